using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Through a real proxy that ends TLS: the coordinator proves its own key, and every call of a site its site's.</summary>
public sealed class ProxyTests
{
    [Fact]
    public async Task A_site_joins_and_serves_through_nginx_and_a_site_that_does_not_know_the_proxy_sends_nothing()
    {
        var nginx = Requires.Nginx();
        var (inner, outer) = (Federation.FreePort(), Federation.FreePort());
        await using var federation = await Federation.StartAsync("--listen", $"http://127.0.0.1:{inner}", "--proxy", "127.0.0.1", "--address", $"https://localhost:{outer}");
        var roots = WriteCertificates(federation.Folder);
        await using var proxy = await StartAsync(nginx, federation.Folder, inner, outer);

        var stranger = federation.SiteFile("paris");
        var refused = await Cli.RunAsync(federation.Folder.FullPath, "site", "run", "--config", stranger, "--join", federation.JoinCode, "--lang", "en");
        Assert.Equal(7, refused.ExitCode);
        Assert.Contains("[coordinator-untrusted]", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("paris", await File.ReadAllTextAsync(federation.Folder.At("access.log")), StringComparison.Ordinal);

        var file = federation.SiteFile("berlin", $"tls: {{ roots: {roots} }}\n");
        var site = await federation.JoinAsync("berlin", file);
        var doctor = await Cli.RunAsync(federation.Folder.FullPath, "site", "doctor", "--config", file, "--seconds", "1", "--lang", "en");
        Assert.True(doctor.ExitCode == 0, doctor.ToString());
        Assert.Contains("Membership: known as berlin", doctor.Output, StringComparison.Ordinal);
        Assert.False(site.HasExited, site.Output + site.Error);

        // nginx did carry it, by HTTP/2 from the site.
        Assert.Contains("GET /v1/me HTTP/2.0\" 200", await File.ReadAllTextAsync(federation.Folder.At("access.log")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_study_through_nginx_ends_with_the_bits_of_one_process()
    {
        var nginx = Requires.Nginx();
        var (inner, outer) = (Federation.FreePort(), Federation.FreePort());
        await using var federation = await Federation.StartAsync("--listen", $"http://127.0.0.1:{inner}", "--proxy", "127.0.0.1", "--address", $"https://localhost:{outer}", "--author", "ann");
        var (folder, roots) = (federation.Folder, WriteCertificates(federation.Folder));
        await using var proxy = await StartAsync(nginx, folder, inner, outer);
        // Updates of two chunks: they go by connections of their own.
        NetworkFiles.Write(folder, ["north", "south"], """
            split: { test: 0.3, stratify: label }
            preprocess: { missing: median, scale: standard }
            model: { kind: mlp, hidden: [1024, 1100] }
            training: { optimizer: { kind: sgd, learningRate: 0.01 }, batch: 64, epochs: 2 }
            evaluation: { bootstrap: 100 }
            arms: [federated]
            federation: { rounds: 2 }
            """);
        foreach (var site in new[] { "north", "south" })
        {
            File.AppendAllText(folder.At($"{site}.yaml"), $"tls: {{ roots: {roots} }}\n");
            await federation.JoinAsync(site, folder.At($"{site}.yaml"));
        }

        var author = new Dictionary<string, string?> { ["COMITY_TOKEN"] = Federation.Rest(federation.Coordinator.Output, "only its hash is kept: "), ["SSL_CERT_FILE"] = roots, ["LANG"] = "C.UTF-8" };
        Task<CommandResult> Author(params string[] arguments) => CommandProcess.RunComityAsync([.. arguments, "--to", $"https://localhost:{outer}", "--lang", "en"], Federation.Patience, folder.FullPath, author);
        var watched = await Author("submit", "network.yaml", "--watch");
        Assert.True(watched.ExitCode == 0, watched.ToString());
        var fetched = await Author("results", watched.Output.Split("Its id: ")[1].Split('\n')[0], "--out", "fetched");
        Assert.True(fetched.ExitCode == 0, fetched.ToString());

        var run = await Cli.RunAsync(folder.FullPath, "run", "local.yaml", "--out", "local");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Equal(RunFiles.Weights(folder.At("local")), RunFiles.Weights(folder.At("fetched")));
        var access = await File.ReadAllTextAsync(folder.At("access.log"));
        Assert.Matches("PUT /v1/tasks/[0-9a-f]+/upload/[0-9a-f]+/1 HTTP/1.1\" 204", access);
        Assert.Contains("/answer HTTP/2.0\" 200", access, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_systems_proxy_is_gone_through_and_sees_nothing_but_the_name()
    {
        await using var federation = await Federation.StartAsync();
        await using var proxy = new ConnectProxy();
        var way = new Dictionary<string, string?> { ["HTTPS_PROXY"] = proxy.Address, ["https_proxy"] = null, ["NO_PROXY"] = null, ["no_proxy"] = null, ["LANG"] = "C.UTF-8" };
        var file = federation.SiteFile("berlin");
        await using var site = CommandProcess.StartComity(["site", "run", "--config", file, "--join", federation.JoinCode, "--lang", "en"], federation.Folder.FullPath, way);
        await Federation.UntilAsync(site, "waiting …");
        Assert.Equal(0, (await federation.OperateAsync("sites", "approve", "berlin", "--fingerprint", Federation.Rest(site.Output, "Fingerprint of the key of berlin: "))).ExitCode);
        await Federation.UntilAsync(site, "berlin serves ");

        var doctor = await CommandProcess.RunComityAsync(["site", "doctor", "--config", file, "--seconds", "1", "--lang", "en"], Federation.Patience, federation.Folder.FullPath, way);
        Assert.True(doctor.ExitCode == 0, doctor.ToString());
        Assert.Contains(proxy.Address, doctor.Output, StringComparison.Ordinal);
        Assert.Contains("proved the key", doctor.Output, StringComparison.Ordinal);
        Assert.All(proxy.Asked, line => Assert.Equal($"CONNECT 127.0.0.1:{federation.Listening.Port} HTTP/1.1", line));
        Assert.True(proxy.Asked.Count > 1);
    }

    [Fact]
    public async Task A_proxy_before_another_coordinator_is_found_out_though_its_certificate_is_good()
    {
        var nginx = Requires.Nginx();
        var (inner, outer) = (Federation.FreePort(), Federation.FreePort());
        await using var federation = await Federation.StartAsync();
        await using var impostor = await Federation.StartAsync("--listen", $"http://127.0.0.1:{inner}", "--proxy", "127.0.0.1", "--address", $"https://localhost:{outer}");
        var roots = WriteCertificates(impostor.Folder);
        await using var proxy = await StartAsync(nginx, impostor.Folder, inner, outer);
        var code = Transport.Identity.JoinCode.Parse(federation.JoinCode)! with { Coordinator = new($"https://localhost:{outer}/"), ThroughProxy = true };

        var file = federation.SiteFile("berlin", $"tls: {{ roots: {roots} }}\n");
        var refused = await Cli.RunAsync(federation.Folder.FullPath, "site", "run", "--config", file, "--join", code.ToString(), "--lang", "en");

        Assert.Equal(7, refused.ExitCode);
        Assert.Contains("[coordinator-untrusted]", refused.Error, StringComparison.Ordinal);
        Assert.Contains("none waits", (await impostor.OperateAsync("sites")).Output, StringComparison.Ordinal);
    }

    private static async Task<CommandProcess> StartAsync(string nginx, TempFolder folder, int inner, int outer)
    {
        var configuration = folder.Write("nginx.conf", $$"""
            daemon off;
            master_process off;
            pid {{folder.At("nginx.pid")}};
            error_log {{folder.At("error.log")}};
            events { worker_connections 64; }
            http {
              access_log {{folder.At("access.log")}};
              client_body_temp_path {{folder.At("body")}};
              proxy_temp_path {{folder.At("proxy")}};
              fastcgi_temp_path {{folder.At("fastcgi")}};
              uwsgi_temp_path {{folder.At("uwsgi")}};
              scgi_temp_path {{folder.At("scgi")}};
              server {
                listen 127.0.0.1:{{outer}} ssl http2;
                ssl_certificate {{folder.At("proxy.pem")}};
                ssl_certificate_key {{folder.At("proxy.key")}};
                client_max_body_size 64m;
                proxy_request_buffering off;
                proxy_buffering off;
                location / {
                  proxy_pass http://127.0.0.1:{{inner}};
                  proxy_http_version 1.1;
                  proxy_set_header X-Forwarded-For $remote_addr;
                }
              }
            }
            """);
        var process = CommandProcess.Start(nginx, ["-p", folder.FullPath, "-c", configuration]);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        for (var tries = 0; ; tries++)
        {
            try
            {
                await http.GetAsync($"https://localhost:{outer}/healthz");
                return process;
            }
            catch (HttpRequestException) when (tries < 200 && !process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    /// <summary>A company's own authority, and a certificate of it for the proxy.</summary>
    private static string WriteCertificates(TempFolder folder)
    {
        var now = DateTimeOffset.UtcNow;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=Company authority", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        rootRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var root = rootRequest.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(root, now.AddDays(-1), now.AddDays(29), [1, 2, 3]);
        folder.Write("proxy.pem", certificate.ExportCertificatePem());
        folder.Write("proxy.key", key.ExportPkcs8PrivateKeyPem());
        return folder.Write("company.pem", root.ExportCertificatePem());
    }
}
