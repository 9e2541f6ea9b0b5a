using System.Globalization;
using System.Text.RegularExpressions;

namespace Comity.Data.Identifiers;

/// <summary>Tells by a column's name, and by a value's form, what points at a person.</summary>
/// <remarks>Forms that carry a check digit are sure; a bare date or a post code is not one without its column's name or company of the same form.</remarks>
public static partial class IdentifierRules
{
    private static readonly (IdentifierKind Kind, Regex Pattern)[] Names =
    [
        (IdentifierKind.Email, EmailName()), (IdentifierKind.Fax, FaxName()), (IdentifierKind.Telephone, TelephoneName()), (IdentifierKind.NationalNumber, NationalName()),
        (IdentifierKind.MedicalRecord, MedicalName()), (IdentifierKind.HealthPlan, PlanName()), (IdentifierKind.Account, AccountName()), (IdentifierKind.Licence, LicenceName()),
        (IdentifierKind.Vehicle, VehicleName()), (IdentifierKind.Device, DeviceName()), (IdentifierKind.WebAddress, WebName()), (IdentifierKind.IpAddress, IpName()),
        (IdentifierKind.Biometric, BiometricName()), (IdentifierKind.Photograph, PhotographName()), (IdentifierKind.Place, PlaceName()), (IdentifierKind.Date, DateName()), (IdentifierKind.Name, PersonName()), (IdentifierKind.Other, OtherName()),
    ];

    /// <summary>What a column's name says; null: nothing.</summary>
    public static IdentifierKind? ByName(string column)
    {
        ArgumentNullException.ThrowIfNull(column);
        var words = Words(column);
        foreach (var (kind, pattern) in Names)
        {
            if (pattern.IsMatch(words)) return kind;
        }
        return null;
    }

    /// <summary>Whether a column's name says that it holds ages.</summary>
    public static bool IsAge(string column)
    {
        ArgumentNullException.ThrowIfNull(column);
        return AgeName().IsMatch(Words(column));
    }

    /// <summary>What a value's form says; null: nothing.</summary>
    public static IdentifierKind? ByForm(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        value = value.Trim();
        if (value.Length is < 5 or > 254) return null; // no form is shorter, no address longer
        if (Email().IsMatch(value)) return IdentifierKind.Email;
        if (Web().IsMatch(value)) return IdentifierKind.WebAddress;
        if (CheckDigits.IsIpAddress(value)) return IdentifierKind.IpAddress;
        if (IsDay(value)) return IdentifierKind.Date;
        var bare = Separators().Replace(value, "");
        if (CheckDigits.IsIban(bare)) return IdentifierKind.Account;
        if (CheckDigits.IsChineseResident(bare) || CheckDigits.IsSwissInsurance(bare) || CheckDigits.IsCpf(bare) || CheckDigits.IsAadhaar(bare) || CheckDigits.IsNhsNumber(bare)) return IdentifierKind.NationalNumber;
        if (SocialSecurity().IsMatch(value) && CheckDigits.IsSocialSecurity(bare)) return IdentifierKind.NationalNumber;
        if (CheckDigits.IsCard(bare)) return IdentifierKind.Account;
        return Telephone().IsMatch(value) ? IdentifierKind.Telephone : null;
    }

    /// <summary>Whether a text is one day of a calendar.</summary>
    public static bool IsDay(string value) => TryDay(value, out _);

    /// <summary>Reads a day: year first, or with the year last in either order of the others.</summary>
    public static bool TryDay(string value, out DateOnly day)
    {
        ArgumentNullException.ThrowIfNull(value);
        var text = value.Length > 10 && value[10] is ' ' or 'T' ? value[..10] : value;
        return DateOnly.TryParseExact(text, ["yyyy-MM-dd", "yyyy/M/d", "yyyy.M.d", "yyyyMMdd", "d.M.yyyy", "d/M/yyyy", "M/d/yyyy", "d-M-yyyy", "yyyy年M月d日"], CultureInfo.InvariantCulture, DateTimeStyles.None, out day)
            && day.Year is >= 1850 and <= 2150;
    }

    // patientName, patient-name and Patient Name are one name.
    private static string Words(string column) => " " + WordBreak().Replace(column, " ").ToLowerInvariant().Trim() + " ";

    [GeneratedRegex(@"(?<=[a-z0-9])(?=[A-Z])|[^\p{L}\p{Nd}]+", RegexOptions.CultureInvariant)]
    private static partial Regex WordBreak();

    [GeneratedRegex(@"[\s.\-/]", RegexOptions.CultureInvariant)]
    private static partial Regex Separators();

    [GeneratedRegex(@"^[^\s@""<>]{1,64}@[^\s@""<>]+\.[\p{L}]{2,}$", RegexOptions.CultureInvariant)]
    private static partial Regex Email();

    [GeneratedRegex(@"^(https?|ftp)://\S+$|^www\.\S+\.\p{L}{2,}", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Web();

    [GeneratedRegex(@"^\d{3}-\d{2}-\d{4}$", RegexOptions.CultureInvariant)]
    private static partial Regex SocialSecurity();

    // International form, North American form, Chinese mobile numbers; bare digits of other lengths are no sign of a telephone.
    [GeneratedRegex(@"^(\+|00)[1-9][\d\s().\-]{6,18}\d$|^\(?[2-9]\d{2}\)?[\s.\-][2-9]\d{2}[\s.\-]\d{4}$|^1[3-9]\d{9}$|^0\d{1,4}[\s/\-]\d[\d\s\-]{4,10}\d$", RegexOptions.CultureInvariant)]
    private static partial Regex Telephone();

    [GeneratedRegex(@" (e ?mail|mail address) |邮箱|电子邮件|电邮", RegexOptions.CultureInvariant)]
    private static partial Regex EmailName();

    [GeneratedRegex(@" (fax|telefax)|传真", RegexOptions.CultureInvariant)]
    private static partial Regex FaxName();

    [GeneratedRegex(@" (tele|cell)? ?phones? | (mobile|tel|telefon|handy) | contact number |电话|手机", RegexOptions.CultureInvariant)]
    private static partial Regex TelephoneName();

    [GeneratedRegex(@" (ssn|ssin|nino|nhs|ahv|avs|cpf|aadhaar|aadhar|hkid|nric|rrn|my number|passport|social security|national id|national insurance|id card|identity card|tax id|tin) |身份证|护照|社保|公民身份", RegexOptions.CultureInvariant)]
    private static partial Regex NationalName();

    [GeneratedRegex(@" (mrn|medical record|patient (id|no|number|nr)|patientid|hospital (id|no|number)|case (id|number)|encounter (id|number)|pid) |病历号|住院号|门诊号|患者(编号|id)", RegexOptions.CultureInvariant)]
    private static partial Regex MedicalName();

    [GeneratedRegex(@" (beneficiary|health plan|policy number|insurance (id|no|number)|member (id|number)|medicare|medicaid) |医保|保单", RegexOptions.CultureInvariant)]
    private static partial Regex PlanName();

    [GeneratedRegex(@" (iban|account|acct|credit card|card number|cardno|pan|konto) |银行卡|账号|卡号", RegexOptions.CultureInvariant)]
    private static partial Regex AccountName();

    [GeneratedRegex(@" (licen[cs]e|certificate) (id|no|number|nr) | driving licen[cs]e | drivers? licen[cs]e |驾驶证|执照", RegexOptions.CultureInvariant)]
    private static partial Regex LicenceName();

    [GeneratedRegex(@" (vin|license plate|licence plate|plate number|vehicle id|kennzeichen) |车牌|车架号", RegexOptions.CultureInvariant)]
    private static partial Regex VehicleName();

    [GeneratedRegex(@" (device (id|serial|number)|serial (no|number)|imei|imsi|udid|mac address|implant (id|serial)) |设备(编号|序列号)|序列号", RegexOptions.CultureInvariant)]
    private static partial Regex DeviceName();

    [GeneratedRegex(@" (url|website|homepage|web address) |网址|主页", RegexOptions.CultureInvariant)]
    private static partial Regex WebName();

    [GeneratedRegex(@" (ip|ip address|ipaddr|ipv4|ipv6) ", RegexOptions.CultureInvariant)]
    private static partial Regex IpName();

    [GeneratedRegex(@" (finger ?prints?|voice ?prints?|iris scan|retina scan|biometrics?) |指纹|声纹|虹膜", RegexOptions.CultureInvariant)]
    private static partial Regex BiometricName();

    [GeneratedRegex(@" (photo|photograph|portrait|face image|full face) |照片|人脸", RegexOptions.CultureInvariant)]
    private static partial Regex PhotographName();

    [GeneratedRegex(@" (zip|zip ?code|post ?code|postal code|plz|address|street|city|town|county|district|village|geocode|latitude|longitude|lat|lon|lng|strasse|ort) |邮编|地址|住址|街道|城市|区县", RegexOptions.CultureInvariant)]
    private static partial Regex PlaceName();

    [GeneratedRegex(@" ages? (?!group|band|class|category)| alter |年龄(?!组|段)", RegexOptions.CultureInvariant)]
    private static partial Regex AgeName();

    [GeneratedRegex(@" (dob|birth ?date|date of birth|birthday|date of death|death date|admission date|discharge date|admitted|discharged|visit date|geburtsdatum) | date |出生日期|生日|死亡日期|入院日期|出院日期|就诊日期", RegexOptions.CultureInvariant)]
    private static partial Regex DateName();

    [GeneratedRegex(@" ((first|last|full|given|family|middle|maiden|patient|person|customer|user)[ ]?name|surname|forename|nachname|vorname) |^ name $|姓名|名字", RegexOptions.CultureInvariant)]
    private static partial Regex PersonName();

    [GeneratedRegex(@" (uuid|guid|person id|subject id|customer id|user id|employee id|student id|username|user name|login) |工号|学号|用户名", RegexOptions.CultureInvariant)]
    private static partial Regex OtherName();
}
