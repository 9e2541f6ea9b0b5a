namespace Comity.Federation.Rounds;

/// <summary>Why an update was refused, as codes that stand in results.</summary>
public static class RefusalReason
{
    /// <summary>NaN or infinity in the update, or a loss that is not finite.</summary>
    public const string NotFinite = "not-finite";

    /// <summary>Another length or layout than the model's.</summary>
    public const string WrongShape = "wrong-shape";

    /// <summary>A larger norm than the study allows.</summary>
    public const string NormExceeded = "norm-exceeded";

    /// <summary>The body does not match the digest in its header.</summary>
    public const string WrongDigest = "wrong-digest";

    /// <summary>A site that was not asked in this round.</summary>
    public const string NotInvited = "not-invited";

    /// <summary>Another round than the present one.</summary>
    public const string WrongRound = "wrong-round";

    /// <summary>A second update that differs from the first.</summary>
    public const string Conflicting = "conflicting-update";

    /// <summary>The site no longer has what it remembered from its last round (control variate, personal parameters).</summary>
    public const string MemoryLost = "memory-lost";

    /// <summary>The study promises privacy, and the update does not show that it was trained so.</summary>
    public const string Unprotected = "unprotected";

    /// <summary>The site's ledger has nothing left that would pay for the update.</summary>
    public const string BudgetSpent = "budget-spent";

    /// <summary>The update was charged before, and its bytes are lost: a second one would be a second release.</summary>
    public const string AnswerLost = "answer-lost";

    /// <summary>A coordinate of the update, or the number of rows, is larger than what the study masks.</summary>
    public const string RangeExceeded = "range-exceeded";

    /// <summary>The site no longer has its keys of this masked round.</summary>
    public const string KeysLost = "keys-lost";

    /// <summary>The site's update of this round is in a sum already; a second sum could lay it bare.</summary>
    public const string SumTaken = "sum-taken";

    /// <summary>The update is written in another encoding than the study declares, as software that does not know the declaration would write it.</summary>
    public const string WrongEncoding = "wrong-encoding";

    /// <summary>The update's bits are such as no encoder writes: an index out of range or order, a scale that is no number.</summary>
    public const string MalformedEncoding = "malformed-encoding";

    /// <summary>A value of the update is larger than its encoding can hold (fp16: 65504); it would arrive as infinity.</summary>
    public const string EncodingOverflow = "encoding-overflow";

    /// <summary>No training rows, or numbers beside the update that can't be.</summary>
    public const string NoRows = "no-rows";
}
