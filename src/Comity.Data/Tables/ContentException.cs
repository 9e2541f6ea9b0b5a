namespace Comity.Data.Tables;

/// <summary>A file's content can't be decoded. It is caught where the record is read and told with the file's name.</summary>
/// <param name="code">Code of the problem, such as <c>png-checksum</c>.</param>
/// <param name="offset">Byte at which it was found, from 0.</param>
/// <param name="detail">What was found there, in no language: a name, a number, a size.</param>
internal sealed class ContentException(string code, long offset, string detail = "") : Exception(FormattableString.Invariant($"{code} at byte {offset}: {detail}"))
{
    public string Code { get; } = code;

    public long Offset { get; } = offset;

    public string Detail { get; } = detail;
}
