using System.Globalization;
using Comity.Data.Identifiers;
using Comity.Declarations;
using Comity.Testing;

namespace Comity.Data.Tests.Identifiers;

public sealed class IdentifierTests
{
    // Published test values: GB 11643 and Wikipedia's example for China, the AHV's own example, the NHS Data Dictionary, card networks' test numbers, ISO 13616's registry, Verhoeff's paper.
    [Theory]
    [InlineData("11010519491231002X", IdentifierKind.NationalNumber)]
    [InlineData("756.9217.0769.85", IdentifierKind.NationalNumber)]
    [InlineData("943 476 5919", IdentifierKind.NationalNumber)]
    [InlineData("529.982.247-25", IdentifierKind.NationalNumber)]
    [InlineData("123-45-6789", IdentifierKind.NationalNumber)]
    [InlineData("4111 1111 1111 1111", IdentifierKind.Account)]
    [InlineData("378282246310005", IdentifierKind.Account)]
    [InlineData("GB82 WEST 1234 5698 7654 32", IdentifierKind.Account)]
    [InlineData("CH93 0076 2011 6238 5295 7", IdentifierKind.Account)]
    [InlineData("DE89370400440532013000", IdentifierKind.Account)]
    [InlineData("anna.muster@example.ch", IdentifierKind.Email)]
    [InlineData("https://example.org/patients/7", IdentifierKind.WebAddress)]
    [InlineData("192.168.1.77", IdentifierKind.IpAddress)]
    [InlineData("2001:db8::8a2e:370:7334", IdentifierKind.IpAddress)]
    [InlineData("+41 44 668 18 00", IdentifierKind.Telephone)]
    [InlineData("(415) 555-0132", IdentifierKind.Telephone)]
    [InlineData("13800138000", IdentifierKind.Telephone)]
    [InlineData("1987-06-05", IdentifierKind.Date)]
    [InlineData("5.6.1987", IdentifierKind.Date)]
    [InlineData("1987年6月5日", IdentifierKind.Date)]
    public void A_value_of_a_known_form_is_recognised(string value, IdentifierKind kind) => Assert.Equal(kind, IdentifierRules.ByForm(value));

    [Theory]
    [InlineData("110105194912310021")] // another check digit
    [InlineData("11010519491331002X")] // a thirteenth month
    [InlineData("756.9217.0769.84")]
    [InlineData("943 476 5918")]
    [InlineData("000-45-6789")]
    [InlineData("666-45-6789")]
    [InlineData("900-45-6789")]
    [InlineData("123-00-6789")]
    [InlineData("123-45-0000")]
    [InlineData("078-05-1120")] // printed in wallets of 1938
    [InlineData("4111 1111 1111 1112")]
    [InlineData("GB82 WEST 1234 5698 7654 33")]
    [InlineData("1.2.3")]
    [InlineData("12.5")]
    [InlineData("63")]
    [InlineData("130")]
    [InlineData("asymptomatic")]
    [InlineData("")]
    public void A_value_of_another_form_is_not(string value) => Assert.True(IdentifierRules.ByForm(value) is null or IdentifierKind.Telephone); // digits in groups may be a telephone's

    [Fact]
    public void Check_digits_find_each_single_wrong_digit()
    {
        foreach (var (valid, check) in new (string, Func<string, bool>)[]
        {
            ("4111111111111111", CheckDigits.IsCard), ("7569217076985", CheckDigits.IsSwissInsurance), ("9434765919", CheckDigits.IsNhsNumber), ("52998224725", CheckDigits.IsCpf), ("2363", CheckDigits.IsVerhoeff), ("DE89370400440532013000", CheckDigits.IsIban),
        })
        {
            Assert.True(check(valid), valid);
            for (var i = 0; i < valid.Length; i++)
            {
                for (var digit = '0'; digit <= '9'; digit++)
                {
                    if (digit != valid[i] && char.IsAsciiDigit(valid[i])) Assert.False(check(valid[..i] + digit + valid[(i + 1)..]), valid[..i] + digit + valid[(i + 1)..]);
                }
            }
        }
    }

    [Theory]
    [InlineData("patientName", IdentifierKind.Name)]
    [InlineData("姓名", IdentifierKind.Name)]
    [InlineData("ZIP", IdentifierKind.Place)]
    [InlineData("Post-Code", IdentifierKind.Place)]
    [InlineData("date_of_birth", IdentifierKind.Date)]
    [InlineData("Phone number", IdentifierKind.Telephone)]
    [InlineData("fax", IdentifierKind.Fax)]
    [InlineData("E-Mail", IdentifierKind.Email)]
    [InlineData("SSN", IdentifierKind.NationalNumber)]
    [InlineData("身份证号", IdentifierKind.NationalNumber)]
    [InlineData("mrn", IdentifierKind.MedicalRecord)]
    [InlineData("beneficiary", IdentifierKind.HealthPlan)]
    [InlineData("accountNumber", IdentifierKind.Account)]
    [InlineData("driving licence", IdentifierKind.Licence)]
    [InlineData("VIN", IdentifierKind.Vehicle)]
    [InlineData("device_serial", IdentifierKind.Device)]
    [InlineData("homepage", IdentifierKind.WebAddress)]
    [InlineData("ip_address", IdentifierKind.IpAddress)]
    [InlineData("fingerprint", IdentifierKind.Biometric)]
    [InlineData("photo", IdentifierKind.Photograph)]
    [InlineData("subject-id", IdentifierKind.Other)]
    public void Each_of_the_eighteen_kinds_is_known_by_name(string column, IdentifierKind kind) => Assert.Equal(kind, IdentifierRules.ByName(column));

    [Theory]
    [InlineData("age")]
    [InlineData("chol")]
    [InlineData("thalach")]
    [InlineData("phoneme")]
    [InlineData("zipper")]
    [InlineData("accountable")]
    [InlineData("filename")]
    [InlineData("pressure")]
    [InlineData("white cell count")]
    [InlineData("drug name")]
    [InlineData("retina_thickness")]
    public void A_feature_of_medicine_is_not_taken_for_one(string column) => Assert.Null(IdentifierRules.ByName(column));

    [Theory]
    [InlineData("0", "0-9"), InlineData("47.6", "40-49"), InlineData("89", "80-89"), InlineData("90", "90+"), InlineData("104", "90+"), InlineData("-1", ""), InlineData("unknown", ""), InlineData("999", "")]
    public void Ages_become_bands_and_the_oldest_are_one(string age, string band) => Assert.Equal(band, Generalisation.AgeBand(age));

    [Theory]
    [InlineData("age", true)]
    [InlineData("patientAge", true)]
    [InlineData("AGE_AT_DIAGNOSIS", true)]
    [InlineData("年龄", true)]
    [InlineData("ageGroup", false)]
    [InlineData("年龄组", false)]
    [InlineData("average", false)]
    [InlineData("stage", false)]
    public void A_columns_name_says_whether_it_holds_ages(string column, bool ages) => Assert.Equal(ages, IdentifierRules.IsAge(column));

    [Theory]
    [InlineData("10025", "100"), InlineData("03601", "000"), InlineData("89301-1234", "000"), InlineData("94110-1234", "941"), InlineData("8001", ""), InlineData("SW1A 1AA", "")]
    public void Zip_codes_lose_digits_by_the_rule_of_twenty_thousand(string zip, string coarse) => Assert.Equal(coarse, Generalisation.Zip3(zip));

    [Fact]
    public void Days_become_years_and_those_that_tell_an_old_age_become_one()
    {
        Assert.Equal("1987", Generalisation.Year("1987-06-05"));
        Assert.Equal("1987", Generalisation.Year("5/6/1987", 2026));
        Assert.Equal("1936-", Generalisation.Year("1936-01-01", 2026)); // may be 90 already
        Assert.Equal("1936-", Generalisation.Year("1911-01-01", 2026));
        Assert.Equal("1911", Generalisation.Year("1911-01-01"));
        Assert.Equal("", Generalisation.Year("last spring"));
    }

    [Fact]
    public void K_and_l_are_those_of_the_literature()
    {
        // Sweeney 2002, figure 2: a table that is 2-anonymous in race, birth, gender and ZIP.
        string[][] known =
        [
            ["Black", "1965", "m", "0214*"], ["Black", "1965", "m", "0214*"], ["Black", "1965", "f", "0213*"], ["Black", "1965", "f", "0213*"], ["Black", "1964", "f", "0213*"], ["Black", "1964", "f", "0213*"],
            ["White", "1964", "m", "0213*"], ["White", "1964", "m", "0213*"], ["White", "1964", "m", "0213*"], ["White", "1967", "m", "0213*"], ["White", "1967", "m", "0213*"],
        ];
        string[] problem = ["short breath", "chest pain", "hypertension", "hypertension", "obesity", "chest pain", "chest pain", "obesity", "short breath", "chest pain", "chest pain"];
        Assert.Equal(new Anonymity(11, 5, 2, 1, 0, 8), Anonymity.Of(known, problem, 3));
        Assert.Equal(new Anonymity(2, 2, 1, null, 2, 2), Anonymity.Of([["a", "bc"], ["ab", "c"]], null, 2)); // no two values run together
        Assert.Equal(new Anonymity(0, 0, 0, null, 0, 0), Anonymity.Of([], null, 2));
    }

    [Fact]
    public void A_table_loses_what_points_at_persons_and_its_report_shows_no_value()
    {
        using var folder = new TempFolder();
        var people = Enumerable.Range(0, 12).Select(i => string.Create(CultureInfo.InvariantCulture, $"Person {i},p{i}@example.org,{(i < 10 ? 41 + (i % 5) : 95)},{1980 + (i % 2)}-0{1 + (i % 9)}-15,9411{i % 3},m,{130 + i},\"says, \"\"call me\"\"\""));
        folder.Write("in.csv", "name,contact,age,admission date,zip,sex,chol,note\n" + string.Join('\n', people) + "\n");
        var problems = new ProblemList();
        var table = Deidentifier.Read(folder.At("in.csv"), ",", problems)!;
        var made = table.Apply(new DeidentificationPlan { Now = 2026, K = 5, Suppress = true, Sensitive = "chol" }, problems)!;

        Assert.Empty(problems);
        Assert.Equal(["age", "admission date", "zip", "sex", "chol", "note"], made.Header);
        Assert.Equal([Treatment.Dropped, Treatment.Dropped, Treatment.AgeBand, Treatment.Year, Treatment.Zip3, Treatment.Kept, Treatment.Kept, Treatment.Kept], made.Columns.Select(c => c.Treatment));
        Assert.Equal(["age", "admission date", "zip", "sex"], made.Known);
        Assert.Equal(1, made.Before.K); // the two old ones came in different years
        Assert.Equal((5, 2, 10), (made.After.K, made.Suppressed, made.Rows.Count));
        Assert.Equal(5, made.After.L);
        using var written = new StringWriter();
        made.Write(written);
        Assert.Contains("40-49,1980,941,m,130,\"says, \"\"call me\"\"\"", written.ToString(), StringComparison.Ordinal);
        foreach (var told in new[] { "Person", "@", "-15" }) Assert.DoesNotContain(told, written.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("94110", string.Join(' ', made.Columns.Select(c => c.ToString())), StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_are_told_all_at_once_and_without_a_value()
    {
        using var folder = new TempFolder();
        folder.Write("in.csv", "name,age\nMs Secret,40\nMr Secret,50,60\n");
        var problems = new ProblemList();
        Assert.Null(Deidentifier.Read(folder.At("in.csv"), ",", problems));
        Assert.Equal(["deidentify-width"], problems.Select(p => p.Code));
        Assert.DoesNotContain("Secret", problems.Single().Found(CultureInfo.InvariantCulture), StringComparison.Ordinal);

        folder.Write("in.csv", "name,age\nMs Secret,40\n");
        problems = [];
        Assert.Null(Deidentifier.Read(folder.At("in.csv"), ",", problems)!.Apply(new DeidentificationPlan { Now = 2026, Keep = ["name", "street"], Drop = ["name"], Sensitive = "ill" }, problems));
        Assert.Equal(["deidentify-column", "deidentify-column", "deidentify-both"], problems.Select(p => p.Code));
    }
}
