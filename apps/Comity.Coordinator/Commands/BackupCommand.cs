using System.CommandLine;
using System.Globalization;
using Comity.Coordinator.Backup;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator backup</c> and <c>restore</c>.</summary>
internal static class BackupCommand
{
    public static Command Create(CommandContext context)
    {
        var data = context.DataOption();
        var to = new Option<FileInfo>("--to") { Description = context.Text("backup.to"), Required = true, HelpName = "FILE" };
        var command = new Command("backup", context.Text("backup.description")) { data, to };
        command.SetAction(result => (int)(ByTools(context, "backup-by-tools", "--to", result.GetRequiredValue(to).FullName, result.GetRequiredValue(data).FullName) ?? context.OnState(result.GetRequiredValue(data).FullName, state =>
        {
            var file = result.GetRequiredValue(to);
            if (file.Exists) return context.Stop(CoordinatorExit.Unavailable, "backup-exists", "--to", file.FullName);
            var info = new BackupInfo(1, Schema.Newest, context.Time.GetUtcNow(), state.Authority.Key.Fingerprint.Plain);
            BackupFile.Take(state.Folder, file.FullName, info);
            context.Output.WriteLine(context.Text("backup.done", file.FullName, new FileInfo(file.FullName).Length));
            return CoordinatorExit.Done;
        })));
        return command;
    }

    public static Command CreateRestore(CommandContext context)
    {
        var data = new Option<DirectoryInfo>("--data") { Description = context.Text("restore.data"), Required = true, HelpName = "DIR" };
        var from = new Option<FileInfo>("--from") { Description = context.Text("restore.from"), Required = true, HelpName = "FILE" };
        var command = new Command("restore", context.Text("restore.description")) { data, from };
        command.SetAction(result => (int)(ByTools(context, "restore-by-tools", "--from", result.GetRequiredValue(from).FullName, result.GetRequiredValue(data).FullName)
            ?? Restore(context, result.GetRequiredValue(from), result.GetRequiredValue(data))));
        return command;
    }

    // A database has tools of its own for this, which its administrators run anyway; a second form beside theirs would only be a worse one.
    private static CoordinatorExit? ByTools(CommandContext context, string problem, string option, string file, string folder) =>
        context.Store is { } store ? context.Stop(CoordinatorExit.Usage, problem, option, store.Shown, store.Schema, file, store.ForTools, folder) : null;

    private static CoordinatorExit Restore(CommandContext context, FileInfo from, DirectoryInfo data)
    {
        if (!from.Exists) return context.Stop(CoordinatorExit.Unavailable, "backup-missing", "--from", from.FullName);
        if (File.Exists(data.FullName) || (data.Exists && data.EnumerateFileSystemInfos().Any())) return context.Stop(CoordinatorExit.Unavailable, "restore-onto", "--data", data.FullName);
        try
        {
            var info = BackupFile.Restore(from.FullName, data.FullName);
            context.Output.WriteLine(context.Text("restore.done", data.FullName, info.TakenAt.ToString("u", CultureInfo.InvariantCulture)));
            return context.OnState(data.FullName, state =>
            {
                foreach (var member in state.Registry.Members.Where(m => m.RevokedAt is null)) context.Output.WriteLine("  " + member.Name);
                context.Output.WriteLine(context.Text("restore.check"));
                return CoordinatorExit.Done;
            });
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return context.Stop(CoordinatorExit.Unavailable, "backup-damaged", "--from", from.FullName, e.Message);
        }
    }
}
