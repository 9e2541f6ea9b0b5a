using System.Net;

namespace Comity.Transport.Clients;

/// <summary>Bytes that are sent piece by piece, so that a slow line is told from a silent one.</summary>
internal sealed class PiecedContent(ReadOnlyMemory<byte> body, SilenceLimit silence) : HttpContent
{
    private const int PieceBytes = 1 << 18;

    // Of the last pieces nothing is heard before the answer: the system, or a proxy, still holds them, and may have all of the body to send on.
    private const double SlowestBytesPerSecond = 32_000;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        for (var at = 0; at < body.Length; at += PieceBytes)
        {
            await stream.WriteAsync(body.Slice(at, Math.Min(PieceBytes, body.Length - at)), cancellationToken).ConfigureAwait(false);
            silence.Heard();
        }
        silence.Heard(TimeSpan.FromSeconds(body.Length / SlowestBytesPerSecond));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}
