using System.Buffers;
using System.IO.Pipelines;
using Comity.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Serving.Hosting;

/// <summary>A request's body in one piece: the connection's own memory where it came so, otherwise a copy.</summary>
internal readonly struct RequestBody(PipeReader? reader, ReadOnlySequence<byte> buffer, byte[]? copy)
{
    public ReadOnlyMemory<byte> Memory => copy is null ? buffer.First : copy.AsMemory(0, (int)buffer.Length);

    /// <summary>Reads the whole body.</summary>
    /// <exception cref="RequestRefusedException">413: it is longer than allowed.</exception>
    /// <remarks>A client that goes away ends the reading with an exception; asking for the request's token besides would cost each request an allocation.</remarks>
    public static async ValueTask<RequestBody> ReadAsync(HttpContext context, int largest)
    {
        var length = context.Request.ContentLength;
        if (length > largest) throw TooLarge(largest);
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync();
            var buffer = result.Buffer;
            if (buffer.Length > largest) throw TooLarge(largest);
            if (result.IsCompleted || buffer.Length == length)
            {
                if (buffer.IsSingleSegment) return new RequestBody(reader, buffer, null);
                var copy = ArrayPool<byte>.Shared.Rent((int)buffer.Length);
                buffer.CopyTo(copy);
                return new RequestBody(reader, buffer, copy);
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Reads a body with binary tensors: where it lies in one piece in the connection's memory it stays there, otherwise it is copied into the exchange's as it comes, so that
    /// each of the connection's pieces is used again at once.</summary>
    /// <returns>What is to be given back where the body stayed, which the exchange then knows; and how many bytes came.</returns>
    /// <exception cref="RequestRefusedException">413: it is longer than allowed.</exception>
    public static async ValueTask<(RequestBody Held, int Length)> ReceiveAsync(HttpContext context, int largest, Exchange exchange, int jsonLength)
    {
        if (context.Request.ContentLength is not { } length)
        {
            var body = await ReadAsync(context, largest);
            exchange.InPlace = body.Memory;
            return (body, body.Memory.Length);
        }
        if (length > largest) throw TooLarge(largest);
        var reader = context.Request.BodyReader;
        for (var at = 0; at < length;)
        {
            var result = await reader.ReadAsync();
            if (at == 0 && result.Buffer.Length == length && result.Buffer.IsSingleSegment)
            {
                exchange.InPlace = result.Buffer.First;
                return (new RequestBody(reader, result.Buffer, null), (int)length);
            }
            result.Buffer.CopyTo(exchange.Receive(Math.Min(jsonLength, (int)length), (int)length)[at..]);
            at += (int)result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return (default, at);
        }
        return (default, (int)length);
    }

    /// <summary>Gives the memory back. The body may not be looked at any more.</summary>
    public void Done()
    {
        reader?.AdvanceTo(buffer.End);
        if (copy is not null) ArrayPool<byte>.Shared.Return(copy);
    }

    private static RequestRefusedException TooLarge(int largest) => RequestRefusedException.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large", "", largest);
}
