namespace Comity.Cli;

/// <summary>How a command ended; each value has a help text <c>exit.{number}</c> in every language.</summary>
internal enum ExitCode
{
    /// <summary>Done.</summary>
    Done = 0,

    /// <summary>The command failed for a reason that none of the others names: a defect, or a machine out of memory or disk.</summary>
    Failed = 1,

    /// <summary>The command line could not be understood.</summary>
    Usage = 2,

    /// <summary>The study or its data can't be used; nothing was written.</summary>
    InvalidStudy = 3,

    /// <summary>The output can't be written, or is somebody else's.</summary>
    Output = 4,

    /// <summary>Training diverged, a round missed its quorum, or workers failed again and again.</summary>
    TrainingStopped = 5,

    /// <summary>A download failed or its checksum did not match.</summary>
    Download = 6,

    /// <summary>The coordinator can't be reached, is not the one that was agreed on, or said no.</summary>
    Coordinator = 7,

    /// <summary>An audit log was changed, is not whole, or does not fit to the other party's.</summary>
    Audit = 8,

    /// <summary>A release or a deployment was refused: damaged, foreign, or signed by somebody who is not trusted.</summary>
    Refused = 9,

    /// <summary>The policy of a jurisdiction or of a site bars what was asked.</summary>
    Policy = 10,

    /// <summary>The database or the message broker can't be used.</summary>
    Infrastructure = 11,

    /// <summary>Stopped by Ctrl-C or SIGTERM.</summary>
    Cancelled = 130,
}
