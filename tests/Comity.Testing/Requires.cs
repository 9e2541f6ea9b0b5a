using Xunit;

namespace Comity.Testing;

/// <summary>What a test needs from the machine; without it the test is skipped and says what to install. CI counts a skipped test as a failure.</summary>
public static class Requires
{
    private static readonly string[] ChromiumPlaces = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    /// <summary>Path of a Chromium: <c>COMITY_CHROMIUM</c>, or where Debian puts it.</summary>
    public static string Chromium()
    {
        var named = Environment.GetEnvironmentVariable("COMITY_CHROMIUM");
        var path = string.IsNullOrEmpty(named) ? ChromiumPlaces.FirstOrDefault(File.Exists) : named;
        Assert.SkipUnless(path is not null && File.Exists(path),
            "Needs Chromium: apt-get install chromium fonts-noto-cjk, or set COMITY_CHROMIUM to its path.");
        return path!;
    }

    /// <summary>Path of nginx: <c>COMITY_NGINX</c>, or where Debian puts it.</summary>
    public static string Nginx()
    {
        var named = Environment.GetEnvironmentVariable("COMITY_NGINX");
        var path = string.IsNullOrEmpty(named) ? "/usr/sbin/nginx" : named;
        Assert.SkipUnless(File.Exists(path), "Needs nginx: apt-get install nginx-light, or set COMITY_NGINX to its path (.ci/run does it).");
        return path;
    }

    /// <summary>Address of a RabbitMQ broker whose queues a test may make: <c>COMITY_RABBITMQ</c>.</summary>
    public static string RabbitMq()
    {
        var address = Environment.GetEnvironmentVariable("COMITY_RABBITMQ");
        Assert.SkipWhen(string.IsNullOrEmpty(address),
            "Needs RabbitMQ: apt-get install rabbitmq-server, start a broker and set COMITY_RABBITMQ to its address, such as amqp://guest:guest@127.0.0.1:5672 (.ci/run does all of it).");
        return address!;
    }

    /// <summary>Npgsql connection string of a PostgreSQL server whose databases a test may create and drop: <c>COMITY_POSTGRES</c>.</summary>
    public static string Postgres()
    {
        var connection = Environment.GetEnvironmentVariable("COMITY_POSTGRES");
        Assert.SkipWhen(string.IsNullOrEmpty(connection),
            "Needs PostgreSQL: apt-get install postgresql, start a server and set COMITY_POSTGRES to its Npgsql connection string (.ci/run does all of it).");
        return connection!;
    }
}
