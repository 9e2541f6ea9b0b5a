using System.Text.Json;
using Comity.Cli.Runs;
using Comity.Federation.Audit;
using Comity.Transport.Protocol;

namespace Comity.Cli.Spreading;

/// <summary>What passed between sites and coordinator while a trial was trained elsewhere: a list that goes with what came of it, and is written into the run's logs there.</summary>
internal sealed class TrialTrail : IAuditTrail, IDisposable
{
    private const string FileName = "audit.jsonl";

    private readonly string _path;
    private readonly StreamWriter _lines;
    private readonly Lock _gate = new();

    public TrialTrail(string folder)
    {
        Directory.CreateDirectory(folder);
        _path = Path.Combine(folder, FileName);
        _lines = new StreamWriter(_path);
    }

    public void Leaves(string site, AuditEntry entry) => Add(new Passed(site, Given: false, entry));

    public void Given(string site, AuditEntry entry) => Add(new Passed(site, Given: true, entry));

    /// <summary>The list is complete, and lies with the product.</summary>
    public void MoveTo(string product)
    {
        _lines.Dispose();
        File.Move(_path, Path.Combine(product, FileName));
    }

    /// <summary>Writes a product's list into a run's logs.</summary>
    public static void WriteInto(IAuditTrail audit, string product)
    {
        foreach (var line in File.ReadLines(Path.Combine(product, FileName)))
        {
            var passed = JsonSerializer.Deserialize<Passed>(line, WireJson.Options)!;
            if (passed.Given) audit.Given(passed.Site, passed.Entry);
            else audit.Leaves(passed.Site, passed.Entry);
        }
    }

    public void Dispose() => _lines.Dispose();

    private void Add(Passed passed)
    {
        var line = JsonSerializer.Serialize(passed, WireJson.Options);
        lock (_gate) _lines.WriteLine(line);
    }

    private sealed record Passed(string Site, bool Given, AuditEntry Entry);
}
