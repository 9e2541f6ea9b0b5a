using Comity.Insight.Evidence;

namespace Comity.Insight.Tests.Evidence;

public sealed class ModelIdTests
{
    private static readonly HashSet<string> Sites = ["hungary", "us+1"];

    [Theory]
    [InlineData("local/hungary", "local", "", "hungary", "local/*")]
    [InlineData("pooled", "pooled", "", null, "pooled")]
    [InlineData("federated/fedavg", "federated", "fedavg", null, "federated/fedavg")]
    [InlineData("federated/fedavg+hungary", "federated", "fedavg", "hungary", "federated/fedavg+*")]
    [InlineData("federated/a+b", "federated", "a+b", null, "federated/a+b")]
    [InlineData("federated/a+us+1", "federated", "a", "us+1", "federated/a+*")]
    [InlineData("federated/fedavg+*", "federated", "fedavg", "*", "federated/fedavg+*")]
    [InlineData("combined/fine-tuned", "combined", "fine-tuned", null, "combined/fine-tuned")]
    public void An_id_is_taken_apart_and_a_plus_sign_belongs_to_the_name_unless_a_site_follows(string id, string arm, string name, string? site, string family)
    {
        var model = ModelId.Parse(id, Sites);
        Assert.Equal((arm, name, site, family), (model.Arm, model.Name, model.Site, model.Family));
        if (site is not null) Assert.Equal(id, model.At(site));
    }

    [Fact]
    public void The_common_model_is_the_recommended_one()
    {
        var results = SampleStudy.FourHospitals().Build();
        Assert.Equal("federated/fedavg", ModelId.Common(results)!.Id);
        Assert.Equal("federated/fedavg+*", ModelId.Common(results with { Recommended = "federated/fedavg+hungary" })!.Id);
        Assert.Equal("federated/fedavg", ModelId.Common(results with { Recommended = null })!.Id);
        Assert.Equal("pooled", ModelId.Common(results with { Recommended = null, Models = [.. results.Models.Where(m => m.Arm is "local" or "pooled")] })!.Id);
        Assert.Null(ModelId.Common(results with { Recommended = null, Models = [.. results.Models.Where(m => m.Arm == "local")] }));
    }
}
