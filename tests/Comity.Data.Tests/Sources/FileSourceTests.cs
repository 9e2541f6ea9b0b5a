using System.Formats.Tar;
using System.IO.Compression;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Data.Tests.Vectors;
using Comity.Declarations;

namespace Comity.Data.Tests.Sources;

public sealed class FileSourceTests : IDisposable
{
    private const string Pictures = "{ label: { column: kind, classes: [cat, dog] }, features: [{ column: image, kind: image, height: 13, width: 17 }] }";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_folder_by_label_is_a_table_of_images()
    {
        Write("cat/a.png", Grey);
        Write("cat/b.png", Grey);
        Write("dog/c.png", Rgb);
        Write("dog/readme.txt", [1]);
        var (table, problems) = Load(Pictures, new SourceSection { Files = ".", Pattern = "{kind}/*.png" });
        problems.ThrowIfErrors();
        Assert.Equal([0, 0, 1], table!.Labels.ToArray());
        Assert.EndsWith("dog/c.png", table.Names[2], StringComparison.Ordinal);
        var images = (ImageColumn)table["image"];
        Assert.Equal(GreySamples, images[0].ToArray());
        Assert.NotEqual(GreySamples, images[2].ToArray());
        Assert.Contains(problems, p => p.Code == "duplicates-found"); // a.png and b.png are the same picture
    }

    [Theory]
    [InlineData("records.tar")]
    [InlineData("records.tar.gz")]
    [InlineData("records.tgz")]
    public void An_archive_is_what_its_unpacked_folder_would_be(string name)
    {
        foreach (var file in new[] { "cat/a.png", "dog/b.png", "dog/c.png" }) Write("in/" + file, file[0] == 'c' ? Grey : Rgb);
        using (var tar = new MemoryStream())
        {
            TarFile.CreateFromDirectory(Path.Combine(_folder.Path, "in"), tar, includeBaseDirectory: false);
            Write(name, name.EndsWith(".tar", StringComparison.Ordinal) ? tar.ToArray() : Zipped(tar.ToArray()));
        }
        var source = new SourceSection { Files = "in", Pattern = "{kind}/{name}.png", Rows = [new RowsSection { Column = "name", Except = ["b"] }] };
        var unpacked = Load(Pictures, source).Table!;
        var packed = Load(Pictures, source with { Files = name }).Table!;
        Assert.Equal(2, unpacked.Rows);
        Assert.Equal(unpacked.Labels.ToArray(), packed.Labels.ToArray());
        for (var i = 0; i < 2; i++) Assert.Equal(((ImageColumn)unpacked["image"])[i].ToArray(), ((ImageColumn)packed["image"])[i].ToArray());
    }

    [Fact]
    public void A_broken_file_is_named_with_its_byte_and_nothing_else_is_lost()
    {
        Write("cat/a.png", Grey);
        Write("dog/b.png", Grey[..80]);
        Write("dog/c.png", Rgb);
        Write("dog/d.png", [1, 2, 3]);
        var source = new SourceSection { Files = ".", Pattern = "{kind}/*.png" };
        var (_, refused) = Load(Pictures, source);
        Assert.Equal(["png-cut-off dog/b.png", "png-signature dog/d.png"], refused.Where(p => p.Severity == Severity.Error).Select(Told));
        Assert.Contains("byte 80,", refused.First(p => p.Code == "png-cut-off").Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);

        var (table, warned) = Load(Pictures, source, new CleanSection { Corrupt = Corrupt.DropRow });
        Assert.False(warned.HasErrors);
        Assert.Equal(2, warned.Count(p => p.Code.StartsWith("png", StringComparison.Ordinal)));
        Assert.Equal([0, 1], table!.Labels.ToArray());
        Assert.Equal([0, 2], table.SourceRows.ToArray());

        string Told(Problem problem) => $"{problem.Code} {problem.Place.File[(problem.Place.File.IndexOf(": ", StringComparison.Ordinal) + 2)..]}";
    }

    [Fact]
    public void An_image_of_another_size_is_an_error_or_is_scaled()
    {
        Write("cat/a.png", Grey);
        const string other = "{ label: { column: kind, classes: [cat, dog] }, features: [{ column: image, kind: image, height: 7, width: 9, channels: 3, fit: scale }] }";
        var source = new SourceSection { Files = ".", Pattern = "{kind}/*.png" };
        Assert.Contains(Load(other.Replace(", fit: scale", "", StringComparison.Ordinal), source).Problems, p => p.Code == "image-size");
        Assert.Equal(3 * 7 * 9, ((ImageColumn)Load(other, source).Table!["image"]).Length);
    }

    [Fact]
    public void A_csv_file_may_name_its_images()
    {
        Write("pictures/a.png", Grey);
        File.WriteAllText(Path.Combine(_folder.Path, "pictures", "list.csv"), "image,kind,age\na.png,dog,7\nnone.png,cat,3\n");
        const string contract = "{ label: { column: kind, classes: [cat, dog] }, features: [{ column: image, kind: image, height: 13, width: 17 }, { column: age, kind: number }] }";
        var (table, problems) = Load(contract, new SourceSection { Csv = "pictures/list.csv" }, new CleanSection { Corrupt = Corrupt.DropRow });
        Assert.Contains(problems, p => p.Code == "content-unreadable" && p.Place.Line == 3);
        Assert.Equal(GreySamples, ((ImageColumn)table!["image"])[0].ToArray());
        Assert.Equal(7, ((NumberColumn)table["age"]).Values[0]);
    }

    [Fact]
    public void Idx_files_are_dealt_out_to_sites_and_parted_by_file()
    {
        WriteIdx("train", 40, gzip: true);
        WriteIdx("test", 20, gzip: false);
        const string contract = "{ label: { column: digit, classes: [0, 1, 2, 3, 4] }, features: [{ column: image, kind: image, height: 2, width: 3 }] }";
        var source = new SourceSection
        {
            Idx = new IdxSection { Images = "train-images.gz", Labels = "train-labels.gz" },
            TestIdx = new IdxSection { Images = "test-images", Labels = "test-labels" },
            Rows = [new RowsSection { Column = "digit", Values = ["1", "3"] }],
        };
        var parts = Enumerable.Range(0, 2).Select(i => Load(contract, source with { Part = new PartSection { Index = i, Of = 2 } }, new CleanSection { Duplicates = Duplicates.Keep }).Table!).ToArray();
        Assert.Equal(24, parts.Sum(p => p.Rows)); // two of five digits of 60
        Assert.Empty(parts[0].SourceRows.ToArray().Intersect(parts[1].SourceRows.ToArray()));
        foreach (var part in parts)
        {
            var split = Splitter.Split(part, new SplitSection { File = true }, Tensors.Randomness.Seed.Of(1), 0);
            Assert.Equal((8, 4), (split.Training.Length, split.Test.Length));
            for (var i = 0; i < part.Rows; i++)
            {
                var position = part.SourceRows.Span[i] % 40;
                Assert.Equal(position % 5, part.Labels.Span[i]);
                Assert.Equal((byte)position, ((ImageColumn)part["image"])[i][5]);
            }
        }
    }

    [Theory]
    [InlineData(0, "idx-magic")]
    [InlineData(2, "idx-type")]
    [InlineData(3, "idx-dimensions")]
    [InlineData(7, "idx-cut-off")]
    public void A_damaged_idx_header_is_named(int at, string code)
    {
        WriteIdx("train", 40, gzip: false);
        var path = Path.Combine(_folder.Path, "train-images");
        var bytes = File.ReadAllBytes(path);
        bytes[at]++;
        File.WriteAllBytes(path, bytes);
        const string contract = "{ label: { column: digit, classes: [0, 1, 2, 3, 4] }, features: [{ column: image, kind: image, height: 2, width: 3 }] }";
        var problem = Assert.Single(Load(contract, new SourceSection { Idx = new IdxSection { Images = "train-images", Labels = "train-labels" } }).Problems);
        Assert.Equal((code, "train-images"), (problem.Code, problem.Place.File));
    }

    [Fact]
    public void Recordings_become_what_the_contract_wants_whatever_their_rate()
    {
        var sounds = Vectors.Vectors.Read("sounds").GetProperty("files");
        Write("low_1.wav", sounds.Bytes("pcm16"));
        Write("high_2.wav", sounds.Bytes("pcm24"));
        const string contract = "{ label: { column: tone, classes: [low, high] }, features: [{ column: sound, kind: audio, rate: 16000, seconds: 0.2, spectrum: { bands: 20, frame: 0.02, hop: 0.01 } }] }";
        var (table, problems) = Load(contract, new SourceSection { Files = ".", Pattern = "{tone}_{take}.wav" });
        problems.ThrowIfErrors();
        var column = (SoundColumn)table!["sound"];
        Assert.Equal((20, 19), (column.Blocks, column.BlockLength));
        Assert.All(Enumerable.Range(0, 20), b => Assert.Equal((float)Math.Log(1e-6), column[0][b * 19 + 18], 2)); // 0.15 s of sound, then silence
        for (var i = 0; i < column.Length; i++) Assert.Equal(column[0][i], column[1][i], 1e-3f); // 24 bits of the same recording

        var contractRead = Declared.Read<ContractSection>(contract);
        var preprocessing = Fit(contractRead, table);
        Assert.Equal(new ImageForm(1, 20, 19), preprocessing.Form);
        Assert.Equal(preprocessing.ToJson(), Preprocessing.FromJson(preprocessing.ToJson()).ToJson());
        var features = preprocessing.Encode(table, [0, 1]).Features;
        for (var band = 0; band < 20; band++)
        {
            var values = new[] { 0, 1 }.SelectMany(r => features[(r * 380 + band * 19)..(r * 380 + band * 19 + 19)]).ToArray();
            Assert.Equal(0, values.Average(), 4);
            Assert.Equal(1, values.Average(v => v * v), 3);
        }
    }

    [Fact]
    public void Images_are_scaled_by_the_mean_of_all_sites_and_describe_shows_no_pixel()
    {
        Write("cat/a.png", Grey);
        Write("dog/b.png", Rgb);
        var table = Load(Pictures, new SourceSection { Files = ".", Pattern = "{kind}/*.png" }).Table!;
        var contract = Declared.Read<ContractSection>(Pictures);
        var features = Fit(contract, table).Encode(table, [0, 1]).Features;
        Assert.Equal(0, features.Average(), 4);
        Assert.Equal(1, features.Average(v => v * v), 3);
        var bytes = Enumerable.Range(0, 2).SelectMany(i => ((ImageColumn)table["image"])[i].ToArray()).Select(b => b / 255.0).ToArray();
        var described = Data.Quality.TableQuality.Describe(table, contract, 0).Columns[0];
        Assert.Equal(bytes.Average(), described.Mean!.Value, 6);
        Assert.Null(Data.Quality.TableQuality.Describe(table, contract).Columns[0].Mean);
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Grey => Vectors.Vectors.Read("images").GetProperty("images")[0].Bytes("file");

    private static byte[] GreySamples => Vectors.Vectors.Read("images").GetProperty("images")[0].Bytes("samples");

    private static byte[] Rgb => Vectors.Vectors.Read("images").GetProperty("images")[1].Bytes("file");

    private static Preprocessing Fit(ContractSection contract, RecordTable table)
    {
        var preprocess = new PreprocessSection();
        var agreed = SharedStatistics.None;
        int[] rows = [.. Enumerable.Range(0, table.Rows)];
        foreach (var step in SharedStatistics.Steps(contract, preprocess)) agreed = agreed.And(SharedStatistics.Collect(step, table, rows, contract, preprocess, agreed));
        return Preprocessing.Fit(contract, preprocess, agreed);
    }

    private (RecordTable? Table, ProblemList Problems) Load(string contract, SourceSection source, CleanSection? clean = null)
    {
        var problems = new ProblemList();
        var loader = new TableLoader(Declared.Read<ContractSection>(contract), new LoadOptions { BaseFolder = _folder.Path, Clean = clean ?? new CleanSection() });
        return (loader.Load(source, "site", problems), problems);
    }

    private void Write(string path, byte[] bytes)
    {
        var full = Path.Combine(_folder.Path, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, bytes);
    }

    private void WriteIdx(string name, int count, bool gzip)
    {
        byte[] images = [0, 0, 8, 3, 0, 0, 0, (byte)count, 0, 0, 0, 2, 0, 0, 0, 3, .. Enumerable.Range(0, count).SelectMany(i => Enumerable.Repeat((byte)i, 6))];
        byte[] labels = [0, 0, 8, 1, 0, 0, 0, (byte)count, .. Enumerable.Range(0, count).Select(i => (byte)(i % 5))];
        Write($"{name}-images{(gzip ? ".gz" : "")}", gzip ? Zipped(images) : images);
        Write($"{name}-labels{(gzip ? ".gz" : "")}", gzip ? Zipped(labels) : labels);
    }

    private static byte[] Zipped(byte[] bytes)
    {
        using var to = new MemoryStream();
        using (var zip = new GZipStream(to, CompressionLevel.Fastest)) zip.Write(bytes);
        return to.ToArray();
    }
}
