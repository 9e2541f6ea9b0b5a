using System.Text;

namespace Comity.Transport.Identity;

/// <summary>A passphrase that a person types, without showing it.</summary>
public static class TypedPassphrase
{
    /// <summary>Asks on the terminal; where there is none, the first line of the input is taken.</summary>
    /// <param name="prompt">What is asked.</param>
    /// <param name="error">Where it is asked: the output is for what was asked for.</param>
    /// <param name="input">The input's lines.</param>
    /// <param name="keys">Waits for a key and does not show it; null: there is no terminal.</param>
    public static string Read(string prompt, TextWriter error, TextReader input, Func<ConsoleKeyInfo>? keys)
    {
        ArgumentNullException.ThrowIfNull(error);
        ArgumentNullException.ThrowIfNull(input);
        if (keys is null) return input.ReadLine() ?? "";
        error.Write(prompt + " ");
        error.Flush();
        var typed = new StringBuilder();
        while (true)
        {
            var key = keys();
            if (key.Key == ConsoleKey.Enter) break;
            if (key.Key == ConsoleKey.Backspace) typed.Length -= typed.Length > 0 ? 1 : 0;
            else if (!char.IsControl(key.KeyChar)) typed.Append(key.KeyChar);
        }
        error.WriteLine();
        return typed.ToString();
    }
}
