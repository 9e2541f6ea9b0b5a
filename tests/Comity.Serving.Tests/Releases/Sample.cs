using System.Text;
using Comity.Serving.Releases;

namespace Comity.Serving.Tests.Releases;

/// <summary>A release whose parts are texts: enough for everything that is judged before a part is read.</summary>
internal static class Sample
{
    public static ReleaseManifest Manifest { get; } = new()
    {
        Name = "heart",
        Version = "1.0.0",
        Created = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero),
        Origin = new ReleaseOrigin("study", new string('a', 64), 7, "federated/fedavg", new string('b', 64), 3, 5, "0.1.0", "X64", [new("north", "hu", 100)]),
        Task = "binary",
        Classes = ["no", "yes"],
        PrimaryMetric = "rocAuc",
        Markets = [new("hu", "HU", "Hungary", 50, new Dictionary<string, ReleaseMetric> { ["rocAuc"] = new(0.9, 0.8, null) })],
    };

    public static byte[] Bytes(SigningKey key) => Release.Write(Manifest, new Dictionary<string, byte[]>
    {
        [Release.WeightsPart] = Encoding.UTF8.GetBytes("weights of the model"),
        [Release.PreprocessingPart] = "{}"u8.ToArray(),
        [Release.StatisticsPart] = "{}"u8.ToArray(),
        [Release.CardPart] = "# card"u8.ToArray(),
        [Release.ChineseCardPart] = "# 模型卡"u8.ToArray(),
    }, key);

    public static Release Read(byte[] bytes, TrustedSigners? trusted) => Release.Read(new MemoryStream(bytes), "heart-1.0.0.comity", trusted);

    public static TrustedSigners Trusting(SigningKey key) => TrustedSigners.None.With(new TrustedSigner(key.Fingerprint, "tests", default));
}
