using System.CommandLine;
using System.Globalization;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator sites …</c>: who belongs, who asks to, who no longer does.</summary>
internal static class SitesCommand
{
    public static Command Create(CommandContext context)
    {
        var data = context.DataOption();
        var list = new Command("sites", context.Text("sites.description")) { data };
        list.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state => List(context, state)));
        list.Subcommands.Add(Approve(context));
        list.Subcommands.Add(Revoke(context));
        return list;
    }

    private static Command Approve(CommandContext context)
    {
        var data = context.DataOption();
        var name = new Argument<string>("NAME") { Description = context.Text("sites.name"), HelpName = "NAME" };
        var fingerprint = new Option<string>("--fingerprint") { Description = context.Text("sites.fingerprint"), Required = true, HelpName = "XXXX-…" };
        var role = new Option<string?>("--role") { Description = context.Text("sites.role"), HelpName = "operator|author|steward|viewer" };
        role.AcceptOnlyFromAmong("operator", "author", "steward", "viewer", "site", "server");
        var approve = new Command("approve", context.Text("sites.approve")) { name, fingerprint, role, data };
        approve.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName,
            state => Approve(context, state, result.GetRequiredValue(name), result.GetRequiredValue(fingerprint), result.GetValue(role))));
        return approve;
    }

    private static Command Revoke(CommandContext context)
    {
        var data = context.DataOption();
        var name = new Argument<string>("NAME") { Description = context.Text("sites.name"), HelpName = "NAME" };
        var revoke = new Command("revoke", context.Text("sites.revoke")) { name, data };
        revoke.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state =>
        {
            var site = result.GetRequiredValue(name);
            if (state.Registry.ByName(site) is not { RevokedAt: null }) return context.Stop(CoordinatorExit.Unavailable, "site-unknown", "NAME", site);
            state.Registry.Revoke(site);
            context.Output.WriteLine(context.Text("sites.revoked", site));
            return CoordinatorExit.Done;
        }));
        return revoke;
    }

    private static CoordinatorExit Approve(CommandContext context, OpenState state, string name, string typed, string? role)
    {
        if (!KeyFingerprint.TryParse(typed, out var fingerprint)) return context.Stop(CoordinatorExit.Usage, "fingerprint-unreadable", "--fingerprint", typed);
        var registry = state.Registry;
        if (registry.ByKey(fingerprint.Plain) is { RevokedAt: null } already && already.Name == name)
        {
            context.Output.WriteLine(context.Text("sites.already", name));
            return CoordinatorExit.Done;
        }
        var ofName = registry.Enrolments.Where(e => e.Name == name).ToList();
        if (ofName.Count == 0) return context.Stop(CoordinatorExit.Unavailable, "nobody-waits", "NAME", name);
        if (ofName.FirstOrDefault(e => e.Fingerprint == fingerprint.Plain) is not { } enrolment)
            return context.Stop(CoordinatorExit.Unavailable, "fingerprint-differs", "--fingerprint", name, fingerprint, ofName.Count);
        // Who asks chooses the role that he asks for, until the moment of approval: more than a site's, or another than was named, nobody gets unnoticed.
        var asked = enrolment.Role.ToString().ToLowerInvariant();
        if (role is null ? enrolment.Role is not (CallerRole.Site or CallerRole.Server) : role != asked) return context.Stop(CoordinatorExit.Unavailable, "role-not-named", "--role", name, asked);
        var replaced = registry.ByName(name) is { RevokedAt: null };
        var member = registry.Approve(enrolment);
        context.Output.WriteLine(context.Text(replaced ? "sites.replaced" : "sites.approved", name, member.NotAfter.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)) + RoleOf(context, member.Role));
        return CoordinatorExit.Done;
    }

    private static CoordinatorExit List(CommandContext context, OpenState state)
    {
        var now = context.Time.GetUtcNow();
        foreach (var member in state.Registry.Members)
        {
            var ends = member.NotAfter.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            var condition = member.RevokedAt is { } revoked ? context.Text("sites.is-revoked", revoked.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))
                : member.NotAfter < now ? context.Text("sites.is-expired", ends)
                : member.NotAfter - now < CertificateAuthority.WarnAhead ? context.Text("sites.expires-soon", ends)
                : context.Text("sites.is-approved", ends);
            context.Output.WriteLine($"{member.Name}  {Grouped(member.Fingerprint)}  {condition}{RoleOf(context, member.Role)}");
        }
        foreach (var waiting in state.Registry.Enrolments)
        {
            // The fingerprint is not shown: whoever approves reads it from the site's owner, not from here.
            var taken = state.Registry.ByName(waiting.Name) is { RevokedAt: null };
            context.Output.WriteLine($"{waiting.Name}  {context.Text(taken ? "sites.waits-to-replace" : "sites.waits", waiting.AskedAt.ToString("u", CultureInfo.InvariantCulture), waiting.Address)}{RoleOf(context, waiting.Role)}");
        }
        if (state.Registry.Members.Count + state.Registry.Enrolments.Count == 0) context.Output.WriteLine(context.Text("sites.none"));
        return CoordinatorExit.Done;
    }

    // A site is what most are; what else somebody is, or asks to be, is said.
    private static string RoleOf(CommandContext context, CallerRole role) => role switch
    {
        CallerRole.Site => "",
        CallerRole.Server => "  " + context.Text("sites.serves"),
        _ => "  " + context.Text("sites.person", role.ToString().ToLowerInvariant()),
    };

    private static string Grouped(string plain) => KeyFingerprint.TryParse(plain, out var fingerprint) ? fingerprint.ToString() : plain;
}
