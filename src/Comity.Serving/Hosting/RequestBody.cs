using System.Buffers;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>A request's body in one piece: the connection's own memory where it came so, otherwise a copy.</summary>
internal readonly struct RequestBody(HttpContext context, ReadOnlySequence<byte> buffer, byte[]? copy)
{
    public ReadOnlyMemory<byte> Memory => copy is null ? buffer.First : copy.AsMemory(0, (int)buffer.Length);

    /// <summary>Reads the whole body.</summary>
    /// <exception cref="RequestRefusedException">413: it is longer than allowed.</exception>
    public static async ValueTask<RequestBody> ReadAsync(HttpContext context, int largest)
    {
        var length = context.Request.ContentLength;
        if (length > largest) throw TooLarge(largest);
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(context.RequestAborted);
            var buffer = result.Buffer;
            if (buffer.Length > largest) throw TooLarge(largest);
            if (result.IsCompleted || buffer.Length == length)
            {
                if (buffer.IsSingleSegment) return new RequestBody(context, buffer, null);
                var copy = ArrayPool<byte>.Shared.Rent((int)buffer.Length);
                buffer.CopyTo(copy);
                return new RequestBody(context, buffer, copy);
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Gives the memory back. The body may not be looked at any more.</summary>
    public void Done()
    {
        context.Request.BodyReader.AdvanceTo(buffer.End);
        if (copy is not null) ArrayPool<byte>.Shared.Return(copy);
    }

    private static RequestRefusedException TooLarge(int largest) => RequestRefusedException.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large", "", largest);
}
