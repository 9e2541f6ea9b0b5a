using System.Text;

namespace Comity.Transport.Signing;

/// <summary>The text that an HTTP message signature is over.</summary>
/// <remarks>RFC 9421, section 2.5.</remarks>
internal static class SignatureBase
{
    /// <param name="components">Names and values in the order of the signature's parameters.</param>
    /// <param name="parameters">The value of <c>Signature-Input</c> behind the label.</param>
    public static byte[] Of(IEnumerable<(string Name, string Value)> components, string parameters)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in components) text.Append('"').Append(name).Append("\": ").Append(value).Append('\n');
        return Encoding.ASCII.GetBytes(text.Append("\"@signature-params\": ").Append(parameters).ToString());
    }
}
