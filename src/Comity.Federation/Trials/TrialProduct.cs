using System.Globalization;
using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Runs;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Trials;

/// <summary>What came of an order, as files in a folder: rows of the run's store, charges of its ledger, and vectors.</summary>
/// <param name="Models">The models, common ones after the sites' own versions of them.</param>
/// <param name="Rounds">Their rounds.</param>
/// <param name="Values">What searches came to.</param>
/// <param name="Charges">What was released about whom.</param>
internal sealed record TrialProduct(IReadOnlyList<ModelRecord> Models, IReadOnlyList<RoundRecord> Rounds, IReadOnlyList<KeyValuePair<string, string>> Values, IReadOnlyList<TrialCharge> Charges)
{
    private const string RecordsFile = "product.json";

    /// <summary>Writes what a run that trained an order holds of it.</summary>
    public static void Write(RunContext run, TrialOrder order, string folder)
    {
        Directory.CreateDirectory(folder);
        List<ModelRecord> models = [];
        foreach (var id in order.Models) models.AddRange([.. run.Store.PersonalModels(id, order.Repeat), run.Store.Model(id, order.Repeat)!]);
        for (var i = 0; i < models.Count; i++)
        {
            if (!models[i].AtHome) FloatFile.Write(VectorPath(folder, i), run.Store.Weights(models[i].Info));
        }
        var product = new TrialProduct(models, [.. order.Models.SelectMany(id => run.Store.Rounds(id, order.Repeat))],
            [.. order.Models.Select(id => SettingSearch.Key(id, order.Repeat)).Where(key => run.Store.Value(key) is not null).Select(key => KeyValuePair.Create(key, run.Store.Value(key)!))],
            run.Privacy?.Charges() ?? []);
        File.WriteAllBytes(Path.Combine(folder, RecordsFile), JsonSerializer.SerializeToUtf8Bytes(product, RunStore.Json));
    }

    /// <summary>Takes an order's product into the run as if it had been trained here. Done twice it is done once.</summary>
    /// <exception cref="InvalidDeclarationException">A file is damaged, or is not of this order.</exception>
    public static void Take(RunContext run, TrialOrder order, string folder)
    {
        var path = Path.Combine(folder, RecordsFile);
        TrialProduct product;
        try
        {
            product = JsonSerializer.Deserialize<TrialProduct>(File.ReadAllBytes(path), RunStore.Json)!;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw RunStore.Unreadable(path);
        }
        if (!order.Models.All(id => product.Models.Any(m => m.Info.Id == id && m.Info.Repeat == order.Repeat))) throw RunStore.Unreadable(path);
        // Paid before it is kept, as at a gate.
        foreach (var charge in product.Charges) run.Privacy?.Take(charge);
        foreach (var (key, value) in product.Values) run.Store.KeepValue(key, value);
        foreach (var round in product.Rounds) run.Store.KeepRound(round);
        for (var i = 0; i < product.Models.Count; i++)
        {
            var info = product.Models[i].Info;
            var vector = product.Models[i].AtHome ? [] : FloatFile.Read(StateVault.Plain, VectorPath(folder, i), 1, info.Parameters, info.WeightsSha256)?[0] ?? throw RunStore.Unreadable(VectorPath(folder, i));
            run.Store.KeepModel(product.Models[i], vector);
        }
    }

    private static string VectorPath(string folder, int index) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"model-{index}.f32"));
}

/// <summary>A charge of a ledger.</summary>
/// <param name="Site">Whose.</param>
/// <param name="Answer">For which answer.</param>
/// <param name="Event">The kind of event, as it stands in a ledger.</param>
/// <param name="Count">How often.</param>
/// <param name="Sha256">Digest of the answer.</param>
internal sealed record TrialCharge(string Site, string Answer, string Event, long Count, string Sha256);
