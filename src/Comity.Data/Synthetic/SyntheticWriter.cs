using System.Globalization;
using System.Text;
using Comity.Tensors.Randomness;

namespace Comity.Data.Synthetic;

/// <summary>Writes the made-up files of a study that are not there yet.</summary>
public static class SyntheticWriter
{
    /// <summary>Writes what is missing; a file appears whole or not at all.</summary>
    /// <param name="section">The study's declaration.</param>
    /// <param name="baseFolder">Folder of the study.</param>
    /// <param name="cancellationToken">Stops between files and within one; nothing half-written stays.</param>
    /// <returns>The files written, as declared.</returns>
    /// <exception cref="IOException">A file could not be written.</exception>
    public static IReadOnlyList<string> WriteMissing(SyntheticSection section, string baseFolder, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(section);
        var written = new List<string>();
        foreach (var (name, file) in section.Files.SelectMany(Names))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = Path.Combine(baseFolder, name);
            if (File.Exists(path)) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            Write(section, file, path, Seed.Of(section.Seed).For("synthetic", name).ToRandom(), cancellationToken);
            written.Add(name);
        }
        return written;
    }

    private static IEnumerable<(string Name, SyntheticFile File)> Names(SyntheticFile file) =>
        Enumerable.Range(1, file.Count).Select(i => (file.File.Replace("*", i.ToString("D4", CultureInfo.InvariantCulture), StringComparison.Ordinal), file));

    private static void Write(SyntheticSection section, SyntheticFile file, string path, SeededRandom random, CancellationToken cancellationToken)
    {
        var law = new SyntheticLaw(section, file, random);
        var labels = law.Labels();
        var part = path + ".part";
        try
        {
            using (var writer = new StreamWriter(part, append: false, new UTF8Encoding(false)) { NewLine = "\n" })
            {
                writer.WriteLine(string.Join(',', section.Features.Select(f => f.Column).Prepend(section.Identifier).Append(section.Label.Column).Select(Quote)));
                for (var row = 0; row < file.Rows; row++)
                {
                    if ((row & 0xFFF) == 0) cancellationToken.ThrowIfCancellationRequested();
                    writer.Write("synthetic-");
                    writer.Write((row + 1).ToString(CultureInfo.InvariantCulture));
                    for (var f = 0; f < law.Features.Count; f++)
                    {
                        writer.Write(',');
                        if (law.Features[f].Missing == 0 || random.NextDouble() >= law.Features[f].Missing) writer.Write(Cell(law.Features[f], file, law.Values[f][row]));
                    }
                    writer.Write(',');
                    writer.WriteLine(section.Label.Values.Count == 0 ? Number(labels[row], 4) : Quote(section.Label.Values[(int)labels[row]]));
                }
            }
            File.Move(part, path, overwrite: false);
        }
        finally
        {
            File.Delete(part); // nothing to delete once it was moved
        }
    }

    private static string Cell(SyntheticFeature feature, SyntheticFile file, double value)
    {
        if (feature.Values.Count > 0) return Quote(feature.Values[(int)value]);
        var measure = file.Measured.GetValueOrDefault(feature.Column);
        return Number(measure is null ? value : measure.Factor * value + measure.Offset, feature.Decimals);
    }

    private static string Number(double value, int decimals) => Math.Round(value, decimals).ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
