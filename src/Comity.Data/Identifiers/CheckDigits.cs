using System.Globalization;
using System.Net;

namespace Comity.Data.Identifiers;

/// <summary>Check digits of numbers that point at a person. Each method takes the bare characters, without blanks and dashes, and answers false for any other form.</summary>
public static class CheckDigits
{
    private static readonly int[] ChineseWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    private static readonly byte[,] Product = Dihedral();
    private static readonly int[] Shift = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

    /// <summary>Payment cards: 12 to 19 digits, ISO/IEC 7812-1 annex B (Luhn).</summary>
    public static bool IsCard(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        if (digits.Length is < 12 or > 19 || !AllDigits(digits) || digits.Distinct().Count() == 1) return false;
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            sum += i % 2 == 0 ? digit : digit > 4 ? (2 * digit) - 9 : 2 * digit;
        }
        return sum % 10 == 0;
    }

    /// <summary>International bank account numbers: ISO 13616, remainder 1 modulo 97 (ISO/IEC 7064).</summary>
    public static bool IsIban(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is < 15 or > 34 || !text.All(char.IsAsciiLetterOrDigit) || !char.IsAsciiLetter(text[0]) || !char.IsAsciiLetter(text[1]) || !AllDigits(text[2..4])) return false;
        var remainder = 0;
        foreach (var c in text[4..] + text[..4])
        {
            var value = char.IsAsciiDigit(c) ? c - '0' : char.ToUpperInvariant(c) - 'A' + 10;
            remainder = ((remainder * (value > 9 ? 100 : 10)) + value) % 97;
        }
        return remainder == 1;
    }

    /// <summary>Resident identity numbers of China: 17 digits, among them the day of birth, and ISO 7064 MOD 11-2 (GB 11643-1999).</summary>
    public static bool IsChineseResident(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length != 18 || !AllDigits(text[..17]) || !DateOnly.TryParseExact(text[6..14], "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)) return false;
        var sum = 0;
        for (var i = 0; i < 17; i++) sum += (text[i] - '0') * ChineseWeights[i];
        return char.ToUpperInvariant(text[17]) == "10X98765432"[sum % 11];
    }

    /// <summary>Swiss insurance numbers (AHV/AVS): 756 and ten digits, with the check digit of EAN-13.</summary>
    public static bool IsSwissInsurance(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        if (digits.Length != 13 || !AllDigits(digits) || !digits.StartsWith("756", StringComparison.Ordinal)) return false;
        var sum = 0;
        for (var i = 0; i < 13; i++) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
        return sum % 10 == 0;
    }

    /// <summary>NHS numbers of England, Wales and the Isle of Man: ten digits, modulo 11 (NHS Data Dictionary).</summary>
    public static bool IsNhsNumber(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        if (digits.Length != 10 || !AllDigits(digits) || digits.Distinct().Count() == 1) return false;
        var sum = 0;
        for (var i = 0; i < 9; i++) sum += (digits[i] - '0') * (10 - i);
        var check = (11 - (sum % 11)) % 11;
        return check != 10 && check == digits[9] - '0';
    }

    /// <summary>US social security numbers, which have no check digit: area neither 000 nor 666 nor from 900 on, group not 00, serial not 0000 (SSA, RM 10201.035), and none that was printed in an advertisement.</summary>
    public static bool IsSocialSecurity(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        return digits.Length == 9 && AllDigits(digits) && digits[..3] is not ("000" or "666") && digits[0] != '9' && digits[3..5] != "00" && digits[5..] != "0000" && digits is not ("078051120" or "219099999");
    }

    /// <summary>Brazilian CPF: eleven digits, of which the last two are check digits modulo 11 (Receita Federal).</summary>
    public static bool IsCpf(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        if (digits.Length != 11 || !AllDigits(digits) || digits.Distinct().Count() == 1) return false;
        for (var length = 9; length < 11; length++)
        {
            var sum = 0;
            for (var i = 0; i < length; i++) sum += (digits[i] - '0') * (length + 1 - i);
            if (10 * sum % 11 % 10 != digits[length] - '0') return false;
        }
        return true;
    }

    /// <summary>Indian Aadhaar numbers: twelve digits, the first from 2 on, with Verhoeff's check digit (Verhoeff 1969).</summary>
    public static bool IsAadhaar(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        return digits.Length == 12 && digits[0] is >= '2' and <= '9' && IsVerhoeff(digits);
    }

    /// <summary>Whether the last digit is Verhoeff's over the others.</summary>
    public static bool IsVerhoeff(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        if (digits.Length == 0 || !AllDigits(digits)) return false;
        var check = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            for (var times = 0; times < i % 8; times++) digit = Shift[digit];
            check = Product[check, digit];
        }
        return check == 0;
    }

    /// <summary>An address of version 4 in its usual form, or of version 6.</summary>
    public static bool IsIpAddress(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var dots = text.Count(c => c == '.');
        return (dots == 3 || text.Count(c => c == ':') >= 2) && IPAddress.TryParse(text, out _);
    }

    private static bool AllDigits(string text) => text.All(char.IsAsciiDigit);

    // The multiplication of the dihedral group of order ten.
    private static byte[,] Dihedral()
    {
        var table = new byte[10, 10];
        for (var a = 0; a < 10; a++)
        {
            for (var b = 0; b < 10; b++)
                table[a, b] = (byte)(a < 5 ? b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5) : b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5);
        }
        return table;
    }
}
