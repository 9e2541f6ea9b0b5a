using System.Buffers.Binary;
using Comity.Federation.Stores;
using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Storage;

namespace Comity.Federation.Masking;

/// <summary>Where the coordinator stands in a masked round, in a file: attempt i32, then the state of its step; none: the attempt has not got beyond its keys.</summary>
internal sealed class MaskedRoundFile(string path, RunStore store)
{
    /// <summary>Attempt, from 1, and its state.</summary>
    public (int Attempt, byte[]? State) Read()
    {
        if (!File.Exists(store.Fetch(path))) return (1, null);
        byte[] bytes;
        try
        {
            bytes = store.Vault.ReadAll(path);
        }
        catch (InvalidDataException)
        {
            return (1, null);
        }
        return bytes.Length < sizeof(int) ? (1, null) : (BinaryPrimitives.ReadInt32LittleEndian(bytes), bytes.Length == sizeof(int) ? null : bytes[sizeof(int)..]);
    }

    /// <summary>Keeps a step; on the disk before survivors are told, for another list of them must never be told in its place.</summary>
    public void Keep(int attempt, CoordinatorState? state)
    {
        var kept = state is null ? [] : KeptState.Save(state);
        var bytes = new byte[sizeof(int) + kept.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, attempt);
        kept.CopyTo(bytes, sizeof(int));
        PrivateFile.Write(path, bytes, flush: state is null or CollectingSignatures or CollectingReveals, store.Vault);
        store.Keep(path);
    }

    /// <summary>The state again; null: damaged, so the attempt begins anew and sites that have other keys by now fall out of it.</summary>
    public static CoordinatorState? Load(byte[] state, SecureRoundPlan plan, IReadOnlyDictionary<int, byte[]> directory)
    {
        try
        {
            return KeptState.LoadCoordinator(state, plan, directory);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>The round is over.</summary>
    public void Delete() => store.Delete(path);
}
