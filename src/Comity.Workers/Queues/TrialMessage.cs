using System.Text.Json;
using Comity.Transport.Protocol;

namespace Comity.Workers.Queues;

/// <summary>Says that an order waits. Whoever takes the message may begin with one of the run's orders, not necessarily this one: which, is chosen in the store.</summary>
/// <param name="Run">The run.</param>
/// <param name="Trial">The order for which the message was sent.</param>
/// <param name="StudySha256">SHA-256 (hex) of the study.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="VectorBits">Width that is demanded.</param>
internal sealed record TrialMessage(string Run, string Trial, string StudySha256, ulong Seed, int VectorBits)
{
    public static TrialMessage Of(string run, string trial, RunDescription description) => new(run, trial, description.StudySha256, description.Seed, description.VectorBits);

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, WireJson.Options);

    /// <summary>Null: this is no such message.</summary>
    public static TrialMessage? Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<TrialMessage>(bytes, WireJson.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
