using System.CommandLine;
using System.Globalization;
using Comity.Coordinator.Access;
using Comity.Coordinator.Hosting;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator tokens …</c>: how people and their tools are let in.</summary>
internal static class TokensCommand
{
    private const int MostDays = 366;

    public static Command Create(CommandContext context) => new("tokens", context.Text("tokens.description"))
    {
        CreateOne(context),
        List(context),
        Revoke(context),
    };

    private static Command CreateOne(CommandContext context)
    {
        var data = context.DataOption();
        var name = new Option<string>("--name") { Description = context.Text("tokens.name"), Required = true, HelpName = "NAME" };
        var role = new Option<string>("--role") { Description = context.Text("tokens.role"), Required = true, HelpName = "operator|author|steward|viewer" };
        role.AcceptOnlyFromAmong("operator", "author", "steward", "viewer");
        var days = new Option<int>("--days") { Description = context.Text("tokens.days", MostDays), DefaultValueFactory = _ => (int)Tokens.DefaultLifetime.TotalDays, HelpName = "N" };
        days.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && value is < 1 or > MostDays) result.AddError(context.Text("tokens.days-range", MostDays));
        });
        var studies = new Option<string[]>("--study") { Description = context.Text("tokens.study"), HelpName = "ID", DefaultValueFactory = _ => [] };
        var create = new Command("create", context.Text("tokens.create")) { name, role, days, studies, data };
        create.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state =>
        {
            var scope = result.GetRequiredValue(studies);
            if (scope.Concat([result.GetRequiredValue(name)]).FirstOrDefault(s => !Identity.Member.IsName(s)) is { } wrong) return context.Stop(CoordinatorExit.Usage, "name-wrong", "--name, --study", wrong);
            var chosen = Enum.Parse<CallerRole>(result.GetRequiredValue(role), ignoreCase: true);
            var (kept, whole) = new Tokens(state.Database).Create(result.GetRequiredValue(name), chosen, scope.Length == 0 ? null : scope, context.Time.GetUtcNow(), TimeSpan.FromDays(result.GetValue(days)));
            context.Output.WriteLine(state.Whole(whole));
            context.Error.WriteLine(context.Text("tokens.created", kept.Id, Day(kept.ExpiresAt)));
            return CoordinatorExit.Done;
        }));
        return create;
    }

    private static Command List(CommandContext context)
    {
        var data = context.DataOption();
        var list = new Command("list", context.Text("tokens.list")) { data };
        list.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state =>
        {
            var (now, all) = (context.Time.GetUtcNow(), new Tokens(state.Database).All);
            foreach (var token in all)
            {
                var condition = token.RevokedAt is { } revoked ? context.Text("tokens.is-revoked", Day(revoked)) : context.Text(token.ExpiresAt < now ? "tokens.is-expired" : "tokens.in-force", Day(token.ExpiresAt));
                context.Output.WriteLine($"{token.Id}  {token.Name}  {token.Role.ToString().ToLowerInvariant()}  {(token.Studies is null ? "*" : string.Join(',', token.Studies))}  {condition}");
            }
            if (all.Count == 0) context.Output.WriteLine(context.Text("tokens.none"));
            return CoordinatorExit.Done;
        }));
        return list;
    }

    private static Command Revoke(CommandContext context)
    {
        var data = context.DataOption();
        var id = new Argument<string>("ID") { Description = context.Text("tokens.id"), HelpName = "ID" };
        var revoke = new Command("revoke", context.Text("tokens.revoke")) { id, data };
        revoke.SetAction(result => (int)context.OnState(result.GetRequiredValue(data).FullName, state =>
        {
            var token = result.GetRequiredValue(id);
            if (!new Tokens(state.Database).Revoke(token, context.Time.GetUtcNow())) return context.Stop(CoordinatorExit.Unavailable, "token-unknown", "ID", token);
            context.Output.WriteLine(context.Text("tokens.revoked", token));
            return CoordinatorExit.Done;
        }));
        return revoke;
    }

    private static string Day(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
