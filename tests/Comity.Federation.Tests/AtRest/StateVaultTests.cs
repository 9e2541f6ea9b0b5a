using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Spool;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Federation.Tests.AtRest;

public sealed class StateVaultTests : IDisposable
{
    private const int Page = 1 << 16;
    private const int Stored = Page + 28;
    private readonly TempFolder _folder = new();
    private readonly StateKey _key = Key(1);

    public static TheoryData<int> Lengths => [0, 1, 4095, Page - 1, Page, Page + 1, (3 * Page) + 17];

    public void Dispose()
    {
        _key.Dispose();
        _folder.Dispose();
    }

    [Theory, MemberData(nameof(Lengths))]
    public void What_is_written_is_read_from_any_place_and_lies_there_encrypted(int length)
    {
        using var vault = StateVault.Open(_folder.FullPath, _key);
        var content = Content(length);
        vault.WriteAll(_folder.At("model.f32"), content);

        Assert.Equal(content, vault.ReadAll(_folder.At("model.f32")));
        using (var file = vault.Read(_folder.At("model.f32")))
        {
            Assert.Equal(length, file.Length);
            var random = Seed.Of(3).ToRandom();
            for (var i = 0; i < 50; i++)
            {
                var at = (int)(random.NextDouble() * (length + 1));
                var part = new byte[(int)(random.NextDouble() * (length - at + 1))];
                Assert.Equal(part.Length, file.Read(at, part));
                Assert.Equal(content[at..(at + part.Length)], part);
            }
            Assert.Equal(0, file.Read(length, new byte[1]));
        }
        var lying = File.ReadAllBytes(_folder.At("model.f32"));
        for (var at = 0; at + 16 <= length; at += 4096) Assert.Equal(-1, lying.AsSpan().IndexOf(content.AsSpan(at, 16)));
    }

    [Theory, MemberData(nameof(Lengths))]
    public void Parts_in_any_order_and_of_any_size_make_the_whole_file_even_after_a_restart(int length)
    {
        using var vault = StateVault.Open(_folder.FullPath, _key);
        var (content, path, random) = (Content(length), _folder.At("body"), Seed.Of(4).ToRandom());
        var parts = Enumerable.Range(0, (length + 999) / 1000).OrderBy(_ => random.NextDouble()).ToList();
        foreach (var half in new[] { parts[..(parts.Count / 2)], parts[(parts.Count / 2)..] })
        {
            using var file = vault.Assemble(path, length); // each time as after a restart
            foreach (var part in half) file.Write(1000L * part, content.AsSpan(1000 * part, Math.Min(1000, length - (1000 * part))));
        }
        Assert.Equal(content, vault.ReadAll(path));
    }

    [Fact]
    public void A_missing_part_reads_as_zeros_while_a_file_is_put_together_and_as_damage_afterwards()
    {
        using var vault = StateVault.Open(_folder.FullPath, _key);
        var path = _folder.At("body");
        using (var file = vault.Assemble(path, 3 * Page))
        {
            file.Write(2 * Page, Content(Page));
            var gap = Content(Page);
            Assert.Equal(Page, file.Read(Page, gap));
            Assert.All(gap, b => Assert.Equal(0, b));
        }
        Assert.Throws<InvalidDataException>(() => vault.ReadAll(path));
    }

    [Fact]
    public void No_changed_cut_moved_or_foreign_page_is_ever_read()
    {
        using var vault = StateVault.Open(_folder.FullPath, _key);
        var (path, length) = (_folder.At("model.f32"), (2 * Page) + 100);
        vault.WriteAll(path, Content(length));
        var whole = File.ReadAllBytes(path);
        Assert.Equal(48 + (2 * Stored) + 128, whole.Length);

        void Refused(byte[] bytes, string what)
        {
            File.WriteAllBytes(path, bytes);
            Assert.True(Assert.ThrowsAny<Exception>(() => vault.ReadAll(path)) is InvalidDataException, what);
        }
        // Every byte of the header, and bytes all over the pages; the first eight make a sealed file what it is, and go into an error of another kind.
        foreach (var at in Enumerable.Range(8, 40).Concat(Enumerable.Range(0, 60).Select(i => 48 + (i * 2200))))
        {
            var changed = whole.ToArray();
            changed[at] ^= 1;
            Refused(changed, $"byte {at}");
        }
        foreach (var cut in new[] { 1, 27, 127, 128, 128 + Stored, whole.Length - 48, whole.Length - 10 }) Refused(whole[..^cut], $"cut {cut}");
        Refused([.. whole, 0], "longer");
        Refused([.. whole[..48], .. whole[(48 + Stored)..(48 + (2 * Stored))], .. whole[48..(48 + Stored)], .. whole[(48 + (2 * Stored))..]], "swapped pages");

        // The same page of another file of the same state, of the same content.
        vault.WriteAll(_folder.At("other"), Content(length));
        Refused([.. whole[..48], .. File.ReadAllBytes(_folder.At("other"))[48..]], "another file's pages");

        // A file of another state with the same key.
        Directory.CreateDirectory(_folder.At("b"));
        using var foreign = StateVault.Open(_folder.At("b"), _key);
        foreign.WriteAll(path, Content(length));
        Assert.Throws<InvalidDataException>(() => vault.ReadAll(path));
        Assert.Throws<InvalidDataException>(() => StateVault.Plain.ReadAll(path));
    }

    [Fact]
    public void The_format_is_the_one_that_is_written_down()
    {
        using (var vault = StateVault.Open(_folder.FullPath, _key)) vault.WriteAll(_folder.At("file"), Content(Page + 5));

        // A reader of its own, from the description alone.
        var wrapped = JsonNode.Parse(File.ReadAllText(_folder.At(StateVault.FileName)))!;
        byte[] Bytes(string name) => Convert.FromBase64String((string)wrapped[name]!);
        var wrapping = HKDF.DeriveKey(HashAlgorithmName.SHA256, Enumerable.Repeat((byte)1, 32).ToArray(), 32, Bytes("salt"), "comity state key 1"u8.ToArray());
        var keys = new byte[Bytes("keys").Length];
        using (var aes = new AesGcm(wrapping, 16)) aes.Decrypt(Bytes("nonce"), Bytes("keys"), Bytes("tag"), keys, "{\"context\":\"comity state vault\",\"Version\":1,\"Derivation\":\"hkdf-sha256\",\"Iterations\":0}"u8);
        Assert.Equal(8 + 32, keys.Length);

        var file = File.ReadAllBytes(_folder.At("file"));
        Assert.Equal("CMTYSEA1"u8.ToArray(), file[..8]);
        Assert.Equal(keys[..8], file[8..16]);
        Assert.Equal(Page + 5, BitConverter.ToInt64(file, 32));
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, keys[8..], 32, file[16..32], file[..48]);
        var last = file.AsSpan(48 + Stored);
        var content = new byte[5];
        using (var aes = new AesGcm(key, 16)) aes.Decrypt(last[..12], last[28..], last.Slice(12, 16), content, [1, 0, 0, 0, 0, 0, 0, 0, 1]);
        Assert.Equal(Content(Page + 5)[Page..], content);
    }

    [Fact]
    public void Without_its_key_or_with_another_a_state_stays_shut_and_says_what_to_do()
    {
        StateVault.Open(_folder.FullPath, _key).Dispose();

        Assert.Equal("state-key-missing", Code(() => StateVault.Open(_folder.FullPath, null)));
        using var other = Key(2);
        Assert.Equal("state-key-wrong", Code(() => StateVault.Open(_folder.FullPath, other)));
        using var words = StateKey.OfPassphrase("correct horse battery", "test", [])!;
        Assert.Equal("state-key-wrong", Code(() => StateVault.Open(_folder.FullPath, words)));
        File.WriteAllText(_folder.At(StateVault.FileName), "{\"version\":1}");
        Assert.Equal("state-vault-damaged", Code(() => StateVault.Open(_folder.FullPath, _key)));
        Assert.Equal("[redacted]", _key.ToString());
    }

    [Fact]
    public void A_state_whose_vault_is_gone_gets_no_new_one_that_would_open_nothing()
    {
        var vault = _folder.At(StateVault.FileName);
        using (var opened = StateVault.Open(_folder.FullPath, _key)) opened.WriteAll(_folder.At("site.key"), [1, 2, 3]);
        File.Move(vault, _folder.At("kept"));

        Assert.Equal("state-vault-gone", Code(() => StateVault.Open(_folder.FullPath, _key)));
        Assert.Equal("state-vault-gone", Code(() => StateVault.Open(_folder.FullPath, null)));
        Assert.False(File.Exists(vault));

        File.Move(_folder.At("kept"), vault);
        using var again = StateVault.Open(_folder.FullPath, _key);
        Assert.Equal([1, 2, 3], again.ReadAll(_folder.At("site.key")));
    }

    [Fact]
    public void A_vault_names_its_data_keys_and_keeps_the_old_names_over_a_rotation()
    {
        using var next = Key(2);
        IReadOnlyList<string> before;
        using (var vault = StateVault.Open(_folder.FullPath, _key)) before = vault.KeyNames;
        Assert.Single(before);
        StateVault.Rotate(_folder.FullPath, _key, next);
        using var rotated = StateVault.Open(_folder.FullPath, next);
        Assert.Equal(before[0], rotated.KeyNames[0]);
        Assert.Equal(2, rotated.KeyNames.Distinct().Count());
        Assert.Empty(StateVault.Plain.KeyNames);
    }

    [Fact]
    public void A_passphrase_opens_what_it_closed_in_either_composition_of_its_letters()
    {
        using var composed = StateKey.OfPassphrase("Zürich im Nebel", "test", [])!;
        using var apart = StateKey.OfPassphrase("Zu\u0308rich im Nebel", "test", [])!;
        using (var vault = StateVault.Open(_folder.FullPath, composed)) vault.WriteAll(_folder.At("a"), [1, 2, 3]);
        using var again = StateVault.Open(_folder.FullPath, apart);
        Assert.Equal([1, 2, 3], again.ReadAll(_folder.At("a")));
    }

    [Fact]
    public void Rotation_shuts_the_old_key_out_keeps_everything_readable_and_seals_with_a_fresh_key()
    {
        using var next = Key(2);
        using (var vault = StateVault.Open(_folder.FullPath, _key)) vault.WriteAll(_folder.At("before"), [1, 2, 3]);
        var lying = File.ReadAllBytes(_folder.At("before"));

        Assert.Equal(2, StateVault.Rotate(_folder.FullPath, _key, next));

        Assert.Equal(lying, File.ReadAllBytes(_folder.At("before"))); // nothing else is written again
        Assert.Equal("state-key-wrong", Code(() => StateVault.Open(_folder.FullPath, _key)));
        using (var vault = StateVault.Open(_folder.FullPath, next))
        {
            Assert.Equal([1, 2, 3], vault.ReadAll(_folder.At("before")));
            vault.WriteAll(_folder.At("after"), [4]);
            Assert.NotEqual(lying[8..16], File.ReadAllBytes(_folder.At("after"))[8..16]);
        }
        // Whoever asked was killed before he heard that it was done, and asks again.
        Assert.Equal(2, StateVault.Rotate(_folder.FullPath, _key, next));
        using var stranger = Key(9);
        Assert.Equal("state-key-wrong", Code(() => StateVault.Rotate(_folder.FullPath, stranger, _key)));
        Assert.Equal("state-not-sealed", Code(() => StateVault.Rotate(_folder.At("nowhere"), _key, next)));
    }

    [Fact]
    public void What_lay_there_before_is_sealed_in_its_place_however_often_it_was_interrupted()
    {
        _folder.Write("a/model.f32", new string('x', 100_000));
        _folder.Write("a/model.f32.sealing", "left by a process that was killed");
        using var vault = StateVault.Open(_folder.FullPath, _key);
        Assert.Equal(new string('x', 100_000), System.Text.Encoding.ASCII.GetString(vault.ReadAll(_folder.At("a", "model.f32")))); // as it is

        Assert.Equal(1, vault.SealWhatIsNot([_folder.At("a", "model.f32")]));
        Assert.Equal(0, vault.SealWhatIsNot([_folder.At("a", "model.f32")]));
        Assert.True(StateVault.IsSealedFile(_folder.At("a", "model.f32")));
        Assert.Equal(new string('x', 100_000), System.Text.Encoding.ASCII.GetString(vault.ReadAll(_folder.At("a", "model.f32"))));
    }

    [Fact]
    public void Keys_are_found_where_they_may_lie_and_their_faults_are_named_but_never_shown()
    {
        var hex = Convert.ToHexString(Enumerable.Repeat((byte)1, 32).ToArray());
        var file = _folder.Write("key", hex + "\n");
        File.WriteAllBytes(_folder.At("raw"), Enumerable.Repeat((byte)1, 32).ToArray());
        foreach (var (variable, value) in new[] { ("COMITY_STATE_KEY", hex), ("COMITY_STATE_KEY", Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray())), ("COMITY_STATE_KEY_FILE", file), ("COMITY_STATE_KEY_FILE", _folder.At("raw")) })
        {
            var problems = new ProblemList();
            using var found = StateKey.Find(null, null, name => name == variable ? value : null, problems);
            Assert.Empty(problems);
            using (StateVault.Open(_folder.At("state"), found)) Assert.NotNull(found); // the same key each time, or it would not open
        }

        string[] Codes(string? given, string? words, Func<string, string?> environment)
        {
            var problems = new ProblemList();
            Assert.Null(StateKey.Find(given, words, environment, problems));
            Assert.All(problems, p => Assert.DoesNotContain("53cr3t", p.Found(System.Globalization.CultureInfo.InvariantCulture) + p.Remedy(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
            return [.. problems.Select(p => p.Code)];
        }
        Assert.Equal(["state-key-malformed"], Codes(null, null, name => name == "COMITY_STATE_KEY" ? "53cr3t" : null));
        Assert.Equal(["state-key-unreadable"], Codes(_folder.At("nowhere"), null, _ => null));
        Assert.Equal(["state-passphrase-short"], Codes(null, "53cr3t", _ => null));
        Assert.Equal(["state-key-several"], Codes(null, null, name => name.StartsWith("COMITY_STATE", StringComparison.Ordinal) ? hex : null));
        Assert.Empty(Codes(null, null, _ => null));
    }

    [Fact]
    public void Updates_and_site_memories_survive_a_reopening_sealed()
    {
        using var vault = StateVault.Open(_folder.FullPath, _key);
        var (a, b) = (Floats(40_000, 1), Floats(40_000, 2));
        using (var spool = UpdateSpool.Open(_folder.At("round.updates"), vault))
        {
            foreach (var (site, body) in new[] { ("a", a), ("b", b) }) spool.Append(Header(site, body), body);
        }
        using (var spool = UpdateSpool.Open(_folder.At("round.updates"), vault))
        {
            var read = new float[40_000];
            spool.InOrder(["b", "a"]).Read(0, 0, read);
            Assert.Equal(b, read);
        }
        var lying = File.ReadAllBytes(_folder.At("round.updates.a"));
        lying[5000] ^= 1;
        File.WriteAllBytes(_folder.At("round.updates.a"), lying);
        using (var spool = UpdateSpool.Open(_folder.At("round.updates"), vault)) Assert.Equal(["b"], spool.Headers.Select(h => h.Site)); // asked for again

        // A memory that was begun before the state had a key goes on in it.
        var digest = FloatFile.Sha256(a);
        new Federation.Rounds.SiteMemory(_folder.At("memory"), null).Keep(1, 0, digest, a);
        var memory = new Federation.Rounds.SiteMemory(_folder.At("memory"), null, vault);
        Assert.Equal(a, memory.After(1, a.Length, n => new float[n])![0]);
        memory.Keep(2, 1, digest, b);
        memory.Keep(3, 2, digest, a);
        var again = new Federation.Rounds.SiteMemory(_folder.At("memory"), null, vault);
        Assert.True(again.Holds(2) && again.Holds(3));
        Assert.Equal(b, again.After(2, b.Length, n => new float[n])![0]);
        Assert.Equal(a, again.After(3, a.Length, n => new float[n])![0]);
    }

    private static Federation.Rounds.UpdateHeader Header(string site, float[] body) => new()
    {
        Site = site, Round = 1, Length = body.Length, Sha256 = FloatFile.Sha256(body), Rows = 1, Steps = 1, LearningRateSum = 1, NormalizedSteps = 1, Loss = 1,
    };

    private static string Code(Func<object> open) => Assert.Single(Assert.Throws<InvalidDeclarationException>(open).Problems).Code;

    private static string Code(Func<int> rotate) => Code(() => (object)rotate());

    private static StateKey Key(byte of) => StateKey.OfText(Convert.ToHexString(Enumerable.Repeat(of, 32).ToArray()), "test", [])!;

    private static byte[] Content(int length)
    {
        var random = Seed.Of(7).ToRandom();
        return [.. Enumerable.Range(0, length).Select(_ => (byte)(random.NextDouble() * 256))];
    }

    private static float[] Floats(int length, ulong seed)
    {
        var random = Seed.Of(seed).ToRandom();
        return [.. Enumerable.Range(0, length).Select(_ => (float)random.NextDouble())];
    }
}
