namespace Comity.Data.Fetching;

/// <summary>A public data set that examples use.</summary>
/// <param name="Id">Name for <c>comity data fetch</c>.</param>
/// <param name="Title">Full name.</param>
/// <param name="Address">Folder of its files at their publisher or its official mirror.</param>
/// <param name="Licence">Licence, as its publisher states it.</param>
/// <param name="Citation">How to cite it.</param>
/// <param name="Files">Its files.</param>
public sealed record DataSet(string Id, string Title, Uri Address, string Licence, string Citation, IReadOnlyList<DataSetFile> Files);

/// <summary>A file of a data set.</summary>
/// <param name="Name">Name at the publisher.</param>
/// <param name="Bytes">Size there.</param>
/// <param name="Sha256">SHA-256 there, lower-case hex.</param>
/// <param name="Compress">Whether it is kept as .gz after its checksum was verified.</param>
public sealed record DataSetFile(string Name, long Bytes, string Sha256, bool Compress = false)
{
    /// <summary>Name on disk.</summary>
    public string StoredName => Compress ? Name + ".gz" : Name;
}

/// <summary>The public data sets that Comity knows: where they officially lie, and what their bytes must be.</summary>
public static class DataSetCatalog
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<DataSet> All { get; } =
    [
        new("heart-disease", "UCI Heart Disease, four hospitals in three countries",
            new Uri("https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease/"), "CC BY 4.0",
            "Detrano, R. et al. (1989). American Journal of Cardiology 64, 304-310. Investigators: Andras Janosi (Budapest), William Steinbrunn (Zurich), Matthias Pfisterer (Basel), Robert Detrano (Long Beach, Cleveland). doi 10.24432/C52P4X",
            [
                new("processed.cleveland.data", 18461, "a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8"),
                new("processed.hungarian.data", 10263, "d1ad108f785768cd3d7e82dc522e6f5a61eea93cccfb3a46ee8076f73fc3d796"),
                new("processed.switzerland.data", 4109, "834a405ccf5b66ab4056bb77794adc8df0b7125186454c0a1d002d33c6c3b314"),
                new("processed.va.data", 6737, "e7c93d8d0d2acdadfa4c5e8de768e2191e7f618b952e29623f1f0d5949ff6b8f"),
            ]),
        new("adult-income", "UCI Adult (Census Income)",
            new Uri("https://archive.ics.uci.edu/ml/machine-learning-databases/adult/"), "CC BY 4.0",
            "Becker, B., Kohavi, R. (1996). Adult. UCI Machine Learning Repository. doi 10.24432/C5XW20",
            [
                new("adult.data", 3974305, "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d", Compress: true),
                new("adult.test", 2003153, "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05", Compress: true),
            ]),
        new("mnist", "MNIST handwritten digits",
            new Uri("https://ossci-datasets.s3.amazonaws.com/mnist/"), "CC BY-SA 3.0",
            "LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). Gradient-based learning applied to document recognition. Proceedings of the IEEE 86(11), 2278-2324.",
            [
                new("train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                new("train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                new("t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                new("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ]),
    ];

    /// <summary>A data set by its id, or null.</summary>
    public static DataSet? Find(string id) => All.FirstOrDefault(d => d.Id == id);
}
