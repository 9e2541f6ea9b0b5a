namespace Comity.Data.Contracts;

/// <summary>What a text's tokens are.</summary>
public enum Tokenizer
{
    /// <summary>Its characters, which all sites number alike: those that are met often enough are shared.</summary>
    Characters,

    /// <summary>What stands between its blanks. A word's number is a hash, so that no word is ever told to anybody.</summary>
    Words,
}
