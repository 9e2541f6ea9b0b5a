using System.CommandLine;
using System.Globalization;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Studies;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;
using Comity.Transport.Queues;
using Comity.Transport.Stores;
using Microsoft.Data.Sqlite;

namespace Comity.Coordinator.Commands;

/// <summary>What a command may use of the world around it.</summary>
/// <param name="Language">Language of the texts.</param>
/// <param name="Output">What was asked for.</param>
/// <param name="Error">Problems.</param>
/// <param name="Environment">Environment variables by name.</param>
/// <param name="Time">The clock.</param>
internal sealed record CommandContext(CultureInfo Language, TextWriter Output, TextWriter Error, Func<string, string?> Environment, TimeProvider Time)
{
    /// <summary>The database in which the state lies, from the command line or the environment; null: it lies in the data folder.</summary>
    public StoreAddress? Store { get; init; }

    /// <summary>What opens the state, from the command line or the environment; null: nothing was given.</summary>
    public StateKey? Key { get; init; }

    /// <summary>The broker by which replicas agree, from the command line or the environment; null: none is named.</summary>
    public QueueAddress? Queue { get; init; }

    public string Text(string key, params object?[] arguments) => Texts.Catalog.Text(key, Language, arguments);

    /// <summary>The data folder, which must be a coordinator's already.</summary>
    public Option<DirectoryInfo> DataOption() => new("--data") { Description = Text("option.data"), Required = true, HelpName = "DIR" };

    /// <summary>Says what is wrong.</summary>
    public CoordinatorExit Stop(CoordinatorExit code, string problem, string option, params object?[] arguments)
    {
        CoordinatorHost.Print([Texts.Problem(problem, option, arguments)], Language, Error);
        return code;
    }

    /// <summary>Works on a coordinator's state, whether it is being served at the moment or not.</summary>
    public CoordinatorExit OnState(string folder, Func<OpenState, CoordinatorExit> work)
    {
        if (Store is null && StoreMark.Of(folder) is { } shown) return Stop(CoordinatorExit.Unavailable, "store-not-named", StoreAddress.Option, folder, shown);
        if (!(Store is null ? CoordinatorDatabase.Exists(folder) : StoreMark.Of(folder) is not null) || !CertificateAuthority.Exists(folder)) return Stop(CoordinatorExit.Unavailable, "state-missing", "--data", folder);
        try
        {
            using var vault = StateVault.Open(folder, Key);
            using var store = Store is null ? null : PostgresStore.Open(Store);
            using var database = store is null ? CoordinatorDatabase.Open(folder) : CoordinatorDatabase.Of(store);
            using var authority = CertificateAuthority.OpenOrMake(folder, Time, vault);
            return work(new(folder, database, authority, new Registry(database, authority, Time)) { Store = store });
        }
        catch (InvalidDeclarationException e)
        {
            CoordinatorHost.Print(e.Problems, Language, Error);
            return CoordinatorExit.Unavailable;
        }
        catch (NewerStateException e)
        {
            return Stop(CoordinatorExit.Unavailable, "state-newer", Store?.Place ?? "--data", e.Found, e.Newest);
        }
        catch (StoreRefusedException e)
        {
            CoordinatorHost.Print([e.Problem], Language, Error);
            return CoordinatorExit.Unavailable;
        }
        catch (Exception e) when (Store is not null && e is StoreUnavailableException or Npgsql.NpgsqlException)
        {
            return Stop(CoordinatorExit.Unavailable, "store-failed", Store!.Place, Store.Shown, (e.InnerException ?? e).Message);
        }
        catch (Exception e) when (DiskFull.Is(e))
        {
            return Stop(CoordinatorExit.Unavailable, FullDisk.Code, "--data"); // nothing is damaged
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            return Stop(CoordinatorExit.Unavailable, "state-damaged", "--data", folder, e.Message);
        }
    }
}

/// <summary>A coordinator's state, opened by a command.</summary>
internal sealed record OpenState(string Folder, CoordinatorDatabase Database, CertificateAuthority Authority, Registry Registry)
{
    /// <summary>The database in which the state lies; null: it lies in the folder.</summary>
    public PostgresStore? Store { get; init; }

    /// <summary>A token with the key that the coordinator proves, as it is handed over.</summary>
    public string Whole(string token) => new PersonToken(token, Authority.Key, Registry.Recall(Registry.ThroughProxy) == Registry.Yes).Write();

    /// <summary>The book of studies, for the caller to dispose; null: none was ever handed in.</summary>
    public StudyBook? Studies()
    {
        if (Store is not null) return new(Store.Identity, owned: false); // a person waits: told at once where the database is away
        var book = StudyServer.BookOf(StudyServer.FolderIn(Folder));
        return File.Exists(book) ? StudyBook.Open(book) : null;
    }
}
