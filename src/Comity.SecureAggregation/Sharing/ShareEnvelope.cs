using System.Security.Cryptography;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;

namespace Comity.SecureAggregation.Sharing;

/// <summary>The two shares that one site gives to another, sealed for it: AES-256-GCM under a key that only the two can derive.</summary>
/// <remarks>The key and the associated data name round, sender and receiver, so an envelope opens nowhere else.</remarks>
internal static class ShareEnvelope
{
    private const string Purpose = "comity/secure-aggregation/v1/share";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    public static byte[] Seal(KeyAgreement own, ReadOnlySpan<byte> receiverKey, byte[] context, ReadOnlySpan<byte> shares)
    {
        using var key = own.Agree(receiverKey, Purpose, context);
        using var cipher = new AesGcm(key.Bytes, TagBytes);
        var envelope = new byte[NonceBytes + shares.Length + TagBytes];
        var nonce = envelope.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        cipher.Encrypt(nonce, shares, envelope.AsSpan(NonceBytes, shares.Length), envelope.AsSpan(NonceBytes + shares.Length), context);
        return envelope;
    }

    /// <summary>The shares, or null where the envelope was changed, cut or sealed for someone or something else.</summary>
    public static byte[]? Open(KeyAgreement own, ReadOnlySpan<byte> senderKey, byte[] context, ReadOnlySpan<byte> envelope, int expectedBytes)
    {
        if (envelope.Length != NonceBytes + expectedBytes + TagBytes) return null;
        using var key = own.Agree(senderKey, Purpose, context);
        using var cipher = new AesGcm(key.Bytes, TagBytes);
        var shares = new byte[expectedBytes];
        try
        {
            cipher.Decrypt(envelope[..NonceBytes], envelope.Slice(NonceBytes, expectedBytes), envelope[(NonceBytes + expectedBytes)..], shares, context);
            return shares;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
