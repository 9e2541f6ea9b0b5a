using System.Security.Cryptography;
using System.Text.Json;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Tensors.Parameters;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>The model's first weights, of which the coordinator knows nothing but vector and layout: the first site that takes part makes them from the study's seed.</summary>
/// <remarks>
/// They follow from the study alone, so every site can make them, and each judges the layout against its own before it trains. What
/// arrived is kept, so that a restart asks nobody again.
/// </remarks>
internal sealed class NetworkModel(StudyPlan plan, StudyFiles files, IReadOnlyList<NetworkSite> sites) : IModelSource
{
    public IReadOnlyList<string> StatisticsSteps => plan.StatisticsSteps;

    public async ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken)
    {
        var name = $"start-{repeat}.f32";
        var vector = files.At(name);
        if (!files.Has(LayoutName(repeat)) || !files.Has(name))
        {
            var maker = sites.FirstOrDefault(s => s.TakesPart) ?? throw new SiteGoneException(sites[0].Site);
            var (made, file) = await maker.StartAsync(repeat, agreed, cancellationToken);
            File.Move(file, vector, overwrite: true);
            files.Keep(name);
            var partial = files.At(LayoutName(repeat)) + ".part";
            await File.WriteAllBytesAsync(partial, JsonSerializer.SerializeToUtf8Bytes(made, WireJson.Options), cancellationToken);
            File.Move(partial, files.At(LayoutName(repeat)), overwrite: true);
            files.Keep(LayoutName(repeat));
        }
        var start = Layout(files, repeat);
        try
        {
            var layout = new ParameterLayout(start.Layout);
            var bytes = LengthOf(vector);
            if (bytes == 4L * layout.Length) return new ModelStart(layout, new StoredVector(files.Vault, vector, layout.Length).Memory, start.Task, start.Classes) { Read = () => VectorFile.Read(files.Vault, vector) };
            throw new ArgumentException($"{bytes} bytes came for a layout of {layout.Length} numbers.");
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new StudyStoppedException(Texts.Problem("site-answer-malformed", sites[0].Site, sites[0].Site, TaskKind.Start, e.Message));
        }
    }

    /// <summary>A repeat's layout as it was told.</summary>
    public static StartResult Layout(StudyFiles files, int repeat) =>
        JsonSerializer.Deserialize<StartResult>(File.ReadAllBytes(files.Has(LayoutName(repeat)) ? files.At(LayoutName(repeat)) : throw new FileNotFoundException(LayoutName(repeat))), WireJson.Options) ?? throw new JsonException("A layout is null.");

    private long LengthOf(string path)
    {
        using var file = files.Vault.Read(path);
        return file.Length;
    }

    private static string LayoutName(int repeat) => $"layout-{repeat}.json";
}
