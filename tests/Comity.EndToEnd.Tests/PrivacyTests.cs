using System.Globalization;
using System.Text.Json.Nodes;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>What privacy costs, as a person or a script asks for it. Reference numbers: dp_accounting 0.6.0.</summary>
public sealed class PrivacyTests
{
    private static readonly string[] Mnist = ["--rate", "0.0042666667", "--steps", "14062", "--delta", "1e-5"];

    [Theory]
    [InlineData("1.1", "0.0042666667", "14062", "1e-5", "pld", 2.38161919)]
    [InlineData("1.1", "0.0042666667", "14062", "1e-5", "rdp", 2.596556)]
    [InlineData("0.8", "0.2", "20", "0.001", "pld", 6.56146112)]
    [InlineData("0.8", "0.2", "20", "0.001", "rdp", 7.917670)]
    public async Task Epsilon_agrees_with_the_reference(string noise, string rate, string steps, string delta, string accountant, double expected)
    {
        var account = await JsonAsync("epsilon", "--noise", noise, "--rate", rate, "--steps", steps, "--delta", delta, "--accountant", accountant);

        Assert.InRange((double)account["epsilon"]!, expected * 0.995, expected * 1.005);
        Assert.Equal(accountant, (string?)account["accountant"]);
        Assert.Equal(double.Parse(noise, CultureInfo.InvariantCulture), (double)account["noiseMultiplier"]!);
        Assert.Equal("poisson", (string?)account["sampling"]);
        Assert.Equal("add-remove", (string?)account["relation"]);
        Assert.False((bool)account["exact"]!);
    }

    [Theory]
    [InlineData("3", "0.0042666667", "14062", "pld", 0.96842)]
    [InlineData("3", "0.0042666667", "14062", "rdp", 1.014)]
    [InlineData("2", "0.1", "100", "pld", 2.24771)]
    public async Task Noise_agrees_with_the_reference_and_keeps_the_epsilon(string epsilon, string rate, string steps, string accountant, double expected)
    {
        string[] training = ["--rate", rate, "--steps", steps, "--delta", "1e-5", "--accountant", accountant];

        var noise = (double)(await JsonAsync(["noise", "--epsilon", epsilon, .. training]))["noiseMultiplier"]!;
        var back = await JsonAsync(["epsilon", "--noise", noise.ToString("R", CultureInfo.InvariantCulture), .. training]);

        Assert.InRange(noise, expected * 0.998, expected * 1.002);
        Assert.True((double)back["epsilon"]! <= double.Parse(epsilon, CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("pld")]
    [InlineData("rdp")]
    public async Task Without_sampling_the_closed_form_answers_both_ways_and_says_so(string accountant)
    {
        string[] training = ["--rate", "1", "--steps", "100", "--delta", "1e-5", "--accountant", accountant];

        var epsilon = await JsonAsync(["epsilon", "--noise", "10", .. training]);
        var noise = await JsonAsync(["noise", "--epsilon", "1", .. training]);
        var told = await Cli.RunAsync(Repository.Root, ["privacy", "epsilon", "--noise", "10", .. training]);

        Assert.Equal(4.3771780957, (double)epsilon["epsilon"]!, 1e-9);
        Assert.Equal(37.306316348159374, (double)noise["noiseMultiplier"]!, 1e-9);
        Assert.Equal("gaussian", (string?)epsilon["accountant"]);
        Assert.True((bool)epsilon["exact"]!);
        Assert.Contains($"closed form for Gaussian noise without sampling, exact; used instead of {accountant}", told.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replacing_a_unit_costs_more_than_removing_one()
    {
        string[] training = ["epsilon", "--noise", "2", "--rate", "0.1", "--steps", "100", "--delta", "1e-5"];

        var account = await JsonAsync([.. training, "--relation", "replace-one"]);

        Assert.Equal("replace-one", (string?)account["relation"]);
        Assert.InRange((double)account["epsilon"]!, 4.368097 * 0.995, 4.368097 * 1.005);
    }

    [Fact]
    public async Task A_person_is_told_the_number_and_everything_it_rests_on()
    {
        var english = await Cli.RunAsync(Repository.Root, ["privacy", "epsilon", "--noise", "1.1", .. Mnist, "--accountant", "rdp"]);
        var chinese = await Cli.RunAsync(Repository.Root, ["privacy", "noise", "--epsilon", "3", .. Mnist, "--accountant", "rdp", "--lang", "zh-Hans"]);

        Assert.True(english.ExitCode == 0, english.ToString());
        Assert.StartsWith("ε = 2.59656 at δ = 1e-5\n", english.Output, StringComparison.Ordinal); // 2.596556, upwards
        foreach (var part in new[] { "Gaussian noise, 1.1 times", "14,062 steps", "add-remove", "Rényi divergences", "Poisson", "reckoned only" })
            Assert.Contains(part, english.Output, StringComparison.Ordinal);
        foreach (var part in new[] { "噪声乘数 = 1.014", "泊松采样", "仅为核算结果" }) Assert.Contains(part, chinese.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("60000", false)]
    [InlineData("100000", true)]
    public async Task A_delta_that_would_give_a_whole_row_away_is_warned_of(string rows, bool warned)
    {
        string[] asked = ["epsilon", "--noise", "1.1", .. Mnist, "--accountant", "rdp", "--rows", rows];

        var told = await Cli.RunAsync(Repository.Root, ["privacy", .. asked]);
        var account = await JsonAsync(asked);

        Assert.Equal(0, told.ExitCode);
        Assert.Equal(warned, told.Error.Contains("--delta: warning [delta-rows]", StringComparison.Ordinal));
        Assert.Equal(warned ? ["delta-rows"] : [], account["warnings"]!.AsArray().Select(w => (string?)w!["code"]));
    }

    [Fact]
    public async Task Every_bad_value_is_shown_at_once_and_a_missing_one_too()
    {
        var result = await Cli.RunAsync(Repository.Root, "privacy", "epsilon", "--noise", "NaN", "--rate", "1.5", "--steps", "0",
            "--accountant", "guess", "--relation", "friends", "--rows", "many");

        AssertRefused(result, "noise", "rate", "steps", "delta", "accountant", "relation", "rows");
        foreach (var found in new[] { "NaN", "1.5", "guess", "friends", "many", "--delta: not given" }) Assert.Contains(found, result.Error, StringComparison.Ordinal);
        Assert.Contains("comity privacy epsilon --help", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "epsilon")]
    [InlineData("-3", "epsilon")]
    [InlineData("NaN", "epsilon")]
    [InlineData("Infinity", "epsilon")]
    [InlineData("3,5", "epsilon")]
    public async Task An_epsilon_that_nothing_can_keep_is_refused(string epsilon, string named) =>
        AssertRefused(await Cli.RunAsync(Repository.Root, ["privacy", "noise", "--epsilon", epsilon, .. Mnist]), named);

    [Theory]
    [InlineData("0", "14062.5", "1")]
    [InlineData("-0.1", "-5", "0")]
    [InlineData("NaN", "99999999999", "NaN")]
    [InlineData("a tenth", "1e3", "-1e-5")]
    public async Task Rates_steps_and_deltas_outside_their_range_are_refused(string rate, string steps, string delta) =>
        AssertRefused(await Cli.RunAsync(Repository.Root, "privacy", "noise", "--epsilon", "3", "--rate", rate, "--steps", steps, "--delta", delta), "rate", "steps", "delta");

    [Fact]
    public async Task What_no_proof_covers_is_refused_with_another_way()
    {
        var result = await Cli.RunAsync(Repository.Root, ["privacy", "noise", "--epsilon", "3", .. Mnist, "--accountant", "rdp", "--relation", "replace-one"]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("[accountant-relation]", result.Error, StringComparison.Ordinal);
        Assert.Contains("--accountant pld", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delta_below_what_loss_distributions_resolve_is_refused_and_the_other_accountant_takes_it()
    {
        string[] asked = ["epsilon", "--noise", "1.1", "--rate", "0.0042666667", "--steps", "14062", "--delta", "1e-12"];

        var result = await Cli.RunAsync(Repository.Root, ["privacy", .. asked]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--delta: error [accountant-delta]", result.Error, StringComparison.Ordinal);
        Assert.True((double)(await JsonAsync([.. asked, "--accountant", "rdp"]))["epsilon"]! > 3);
    }

    [Fact]
    public async Task An_epsilon_below_every_noise_is_refused_with_what_to_change()
    {
        var result = await Cli.RunAsync(Repository.Root, "privacy", "noise", "--epsilon", "1e-12", "--rate", "1", "--steps", "1000", "--delta", "1e-12");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("[epsilon-out-of-reach]", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("epsilon", "--noise <MULTIPLIER>")]
    [InlineData("noise", "--epsilon <EPSILON>")]
    public async Task Help_names_the_values_and_gives_an_example_that_works(string command, string option)
    {
        var help = await Cli.RunAsync(Repository.Root, "privacy", command, "--help");

        foreach (var part in new[] { option, "--rate <PROBABILITY>", "--steps <N>", "--delta <DELTA>", "<pld|rdp>", "<add-remove|replace-one>" })
            Assert.Contains(part, help.Output, StringComparison.Ordinal);
        var example = help.Output.Split('\n').Select(l => l.Trim()).First(l => l.StartsWith($"comity privacy {command} --", StringComparison.Ordinal));
        var run = await Cli.RunAsync(Repository.Root, example.Split(' ')[1..]);
        Assert.True(run.ExitCode == 0, run.ToString());
    }

    private static async Task<JsonNode> JsonAsync(params string[] arguments)
    {
        var result = await Cli.RunAsync(Repository.Root, ["privacy", .. arguments, "--json"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonNode.Parse(result.Output)!;
    }

    private static void AssertRefused(CommandResult result, params string[] options)
    {
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Equal("", result.Output);
        Assert.Equal(options, result.Error.Split('\n').Where(l => l.Contains(": error [", StringComparison.Ordinal)).Select(l => l[2..l.IndexOf(':', StringComparison.Ordinal)]));
        foreach (var option in options) Assert.Contains($"--{option}: error [bad-{option}]", result.Error, StringComparison.Ordinal);
        foreach (var part in new[] { "found:", "expected:", "remedy:" })
            Assert.Equal(options.Length, result.Error.Split('\n').Count(l => l.Contains(part, StringComparison.Ordinal)));
    }
}
