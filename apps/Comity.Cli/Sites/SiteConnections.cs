using Comity.Transport.Identity;

namespace Comity.Cli.Sites;

/// <summary>Clients in the user's language.</summary>
internal static class SiteConnections
{
    public static HttpClient Open(CoordinatorConnection connection, Session session)
    {
        var http = CoordinatorHttp.Connect(connection, session.Time);
        http.DefaultRequestHeaders.AcceptLanguage.ParseAdd(session.Language.Name);
        http.DefaultRequestHeaders.UserAgent.ParseAdd("comity/" + ToolVersion.Text);
        return http;
    }
}
