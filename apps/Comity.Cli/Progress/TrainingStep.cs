namespace Comity.Cli.Progress;

/// <summary>How far one model of one repeat has come.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Step">Rounds or epochs done.</param>
/// <param name="Steps">Rounds or epochs in all.</param>
/// <param name="Loss">Mean training loss; NaN: not known yet.</param>
/// <param name="InRounds">Whether steps are rounds of a federation, or else epochs.</param>
internal readonly record struct TrainingStep(string Model, int Repeat, int Step, int Steps, double Loss, bool InRounds);

/// <summary>Shows how a run proceeds. Called from several threads.</summary>
internal interface IProgressView
{
    /// <summary>A phase begins that has no steps of its own.</summary>
    void Phase(string text);

    /// <summary>A model took a step.</summary>
    void Report(TrainingStep step);

    /// <summary>A model is trained.</summary>
    void Finished(string model, int repeat, double loss);

    /// <summary>So many models have been judged.</summary>
    void Judged(int done, int total);

    /// <summary>So many candidates have been compared with the sites' own models.</summary>
    void Compared(int done, int total);
}
