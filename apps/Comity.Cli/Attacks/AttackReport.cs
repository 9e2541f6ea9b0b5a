using System.Globalization;
using System.Text.Json.Nodes;

namespace Comity.Cli.Attacks;

/// <summary>What attacks on a run's model found.</summary>
/// <param name="Study">The study.</param>
/// <param name="Model">The model attacked.</param>
/// <param name="Inversion">Records read out of single updates; null: the model's first layer has no such form.</param>
/// <param name="Protected">The same with the study's noise; null: the study promises none.</param>
/// <param name="Membership">Who was trained on, told from the model's confidence; null: too few rows, or no classes.</param>
internal sealed record AttackReport(string Study, string Model, InversionFound? Inversion, InversionFound? Protected, MembershipFound? Membership)
{
    public IEnumerable<string> Lines(Session session)
    {
        string Percent(double share) => share.ToString("P1", session.Language);
        string Number(double value) => value.ToString("0.000", session.Language);
        yield return "# " + session.Text("attack.title", Study, Model);
        yield return "";
        yield return "## " + session.Text("attack.inversion");
        yield return "";
        if (Inversion is null) yield return session.Text("attack.inversion-none");
        else yield return session.Text("attack.inversion-found", Inversion.Records, Percent(Inversion.Exact / (double)Inversion.Records), Number(Inversion.MedianCorrelation));
        if (Protected is { } noise) yield return session.Text("attack.inversion-noised", noise.Records, Percent(noise.Exact / (double)noise.Records), Number(noise.MedianCorrelation));
        else if (Inversion is not null) yield return session.Text("attack.inversion-remedy");
        yield return "";
        yield return "## " + session.Text("attack.membership");
        yield return "";
        if (Membership is not { } m) yield return session.Text("attack.membership-none");
        else
        {
            yield return session.Text("attack.membership-found", m.Members, m.Others, m.Shadows, Number(m.Auc), Number(m.Low), Number(m.High), Percent(m.TruePositivesAt10), Percent(m.TruePositivesAt1));
            yield return session.Text(m.Low > 0.5 ? "attack.membership-tells" : "attack.membership-quiet");
        }
        yield return "";
        yield return session.Text("attack.no-proof");
    }

    public JsonObject Json()
    {
        static JsonObject? Of(InversionFound? found) => found is null ? null : new() { ["records"] = found.Records, ["exact"] = found.Exact, ["medianCorrelation"] = found.MedianCorrelation };
        return new()
        {
            ["study"] = Study, ["model"] = Model, ["gradientInversion"] = Of(Inversion), ["gradientInversionUnderNoise"] = Of(Protected),
            ["membershipInference"] = Membership is not { } m ? null : new JsonObject
            {
                ["members"] = m.Members, ["others"] = m.Others, ["shadows"] = m.Shadows, ["auc"] = m.Auc, ["low"] = m.Low, ["high"] = m.High,
                ["truePositivesAt10Percent"] = m.TruePositivesAt10, ["truePositivesAt1Percent"] = m.TruePositivesAt1,
            },
        };
    }
}

/// <summary>Records read out of updates of one record each.</summary>
/// <param name="Records">Tried.</param>
/// <param name="Exact">Found again to within a thousandth of their length.</param>
/// <param name="MedianCorrelation">Of what was found with the record.</param>
internal sealed record InversionFound(int Records, int Exact, double MedianCorrelation);

/// <summary>Members told from others.</summary>
internal sealed record MembershipFound(int Members, int Others, int Shadows, double Auc, double Low, double High, double TruePositivesAt10, double TruePositivesAt1);
