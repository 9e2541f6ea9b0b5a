using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Identity;
using Comity.Testing;
using Comity.Transport.Clients;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Tests;

/// <summary>Joining over a real connection: who gets in, who does not, and why.</summary>
public sealed class EnrolmentTests
{
    private static async Task<string> RefusalOf(Func<Task> call) => (await Assert.ThrowsAsync<WireException>(call)).Told.Code;

    [Fact]
    public async Task A_site_asks_is_approved_by_fingerprint_and_then_signs_its_calls()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = coordinator.Site("berlin");
        site.Pin(PinnedCoordinator.Of(coordinator.Code));
        using var before = coordinator.Connect(site, "berlin");
        Assert.Equal("key-unknown", await RefusalOf(() => new IdentityClient(before).MeAsync(default)));

        using var joined = await coordinator.JoinAsync("berlin");
        using var http = coordinator.Connect(joined, "berlin");
        var me = await new IdentityClient(http).MeAsync(default);

        Assert.Equal(("berlin", CallerRole.Site, joined.Fingerprint.Plain), (me.Name, me.Role, me.KeyFingerprint));
        Assert.InRange(me.CertificateEnds!.Value - DateTimeOffset.UtcNow, TimeSpan.FromDays(89), TimeSpan.FromDays(91));
    }

    [Fact]
    public async Task Who_asks_in_the_moment_of_approval_is_waiting_or_approved_and_never_unknown()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var http = CoordinatorHttp.Connect(new() { Address = coordinator.Address, Authority = coordinator.Code.Authority }, TimeProvider.System);
        var client = new IdentityClient(http);
        for (var i = 0; i < 20; i++)
        {
            using var site = coordinator.Site($"site-{i}");
            await client.EnrolAsync(coordinator.Request(site, $"site-{i}"), default);
            var asking = Enumerable.Range(0, 24).Select(_ => Task.Run(async () =>
            {
                while ((await client.EnrolmentAsync(site.Fingerprint, default)).State != EnrolmentState.Approved) { } // unknown, it throws
            })).ToList();
            await client.EnrolmentAsync(site.Fingerprint, default);
            coordinator.Approve($"site-{i}", site.Fingerprint);
            await Task.WhenAll(asking);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_signature_counts_whether_or_not_TLS_shows_a_certificate(bool withCertificate)
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var http = coordinator.Connect(site, "berlin", withCertificate: withCertificate);
        Assert.Equal("berlin", (await new IdentityClient(http).MeAsync(default)).Name);

        // A certificate alone is not enough for a site: whoever ends TLS could have taken it from another call.
        using var unsigned = CoordinatorHttp.Connect(site.Connection("berlin", null)! with { SigningKey = null }, TimeProvider.System);
        Assert.Equal("not-signed-in", await RefusalOf(() => new IdentityClient(unsigned).MeAsync(default)));
    }

    [Fact]
    public async Task A_server_with_another_key_is_sent_nothing()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var folder = new TempFolder();
        using var impostor = CertificateAuthority.OpenOrMake(folder.FullPath, TimeProvider.System);
        using var certificate = impostor.IssueServer(["127.0.0.1"]);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var received = ReceiveAsync(listener, certificate);
        var address = new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");

        using var http = CoordinatorHttp.Connect(new() { Address = address, Authority = coordinator.Code.Authority }, TimeProvider.System);
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => new IdentityClient(http).HelloAsync(default));

        Assert.Equal(CertificateVerdict.Foreign, UntrustedCoordinatorException.Within(thrown)!.Verdict);
        Assert.Equal(0, await received);
    }

    /// <summary>A member's certificate, though the authority issued it, makes no server.</summary>
    [Fact]
    public async Task A_site_cannot_pass_for_the_coordinator()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var received = ReceiveAsync(listener, site.Certificate!);
        var address = new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");

        using var http = CoordinatorHttp.Connect(new() { Address = address, Authority = coordinator.Code.Authority }, TimeProvider.System);
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => new IdentityClient(http).HelloAsync(default));

        Assert.Equal(CertificateVerdict.WrongUse, UntrustedCoordinatorException.Within(thrown)!.Verdict);
        Assert.Equal(0, await received);
    }

    [Fact]
    public async Task Two_sites_of_one_name_are_told_apart_and_approving_the_second_retires_the_first()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var first = await coordinator.JoinAsync("berlin");
        using var firstHttp = coordinator.Connect(first, "berlin");
        using var second = coordinator.Site("berlin-again");
        second.Pin(PinnedCoordinator.Of(coordinator.Code));
        using var asking = coordinator.Connect(token: null);

        var answer = await new IdentityClient(asking).EnrolAsync(coordinator.Request(second, "berlin"), default);
        Assert.Equal((EnrolmentState.Waiting, true), (answer.State, answer.NameTaken));
        Assert.Equal("berlin", (await new IdentityClient(firstHttp).MeAsync(default)).Name); // asking changes nothing

        coordinator.Approve("berlin", second.Fingerprint); // the owner lost the first key
        using var secondHttp = coordinator.Connect(second, "berlin", withCertificate: false);
        Assert.Equal(second.Fingerprint.Plain, (await new IdentityClient(secondHttp).MeAsync(default)).KeyFingerprint);
        Assert.Equal("key-retired", await RefusalOf(() => new IdentityClient(firstHttp).MeAsync(default)));
        Assert.Equal("key-retired", await RefusalOf(() => new IdentityClient(asking).EnrolAsync(coordinator.Request(first, "berlin"), default)));
    }

    [Theory]
    [InlineData("en", "asks to be let in as operator")]
    [InlineData("zh-Hans", "请求以 operator 的身份加入")]
    public async Task Who_asks_for_more_than_a_sites_role_is_let_in_only_where_the_operator_names_it(string language, string told)
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = coordinator.Site("berlin");
        site.Pin(PinnedCoordinator.Of(coordinator.Code));
        using var asking = coordinator.Connect(token: null);
        await new IdentityClient(asking).EnrolAsync(coordinator.Request(site, "berlin") with { Role = CallerRole.Operator }, default);
        async Task<(int Exit, string Said)> Operate(params string[] arguments)
        {
            var said = new StringWriter(System.Globalization.CultureInfo.InvariantCulture);
            return (await CoordinatorCommandLine.RunAsync([.. arguments, "--data", coordinator.Folder.At("data"), "--lang", language], _ => null, said, said, TimeProvider.System, default), said.ToString());
        }

        Assert.Contains("operator", (await Operate("sites")).Said, StringComparison.Ordinal);
        foreach (var named in new string[][] { [], ["--role", "viewer"], ["--role", "site"] })
        {
            var refused = await Operate(["sites", "approve", "berlin", "--fingerprint", site.Fingerprint.ToString(), .. named]);
            Assert.Equal(4, refused.Exit);
            Assert.Contains(told, refused.Said, StringComparison.Ordinal);
        }
        Assert.Equal(EnrolmentState.Waiting, (await new IdentityClient(asking).EnrolmentAsync(site.Fingerprint, default)).State);

        var approved = await Operate("sites", "approve", "berlin", "--fingerprint", site.Fingerprint.ToString(), "--role", "operator");
        Assert.True(approved.Exit == 0 && approved.Said.Contains("operator", StringComparison.Ordinal), approved.Said);
        using var http = coordinator.Connect(site, "berlin", withCertificate: false);
        Assert.Equal(CallerRole.Operator, (await new IdentityClient(http).MeAsync(default)).Role);
    }

    [Fact]
    public async Task A_revocation_by_another_process_takes_effect_at_once_and_ends_open_calls()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var http = coordinator.Connect(site, "berlin");
        var client = new IdentityClient(http);
        await client.MeAsync(default);

        // A call that never ends by itself: its body stays open. The coordinator has let it in once it asks for the body.
        using var socket = new OpenBody();
        var body = System.Text.Encoding.UTF8.GetBytes("x");
        var open = OpenCallAsync(coordinator, site, body, socket);
        await await Task.WhenAny(socket.Started, open).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.False(open.IsCompleted);

        coordinator.Registry.Revoke("berlin");

        Assert.Equal("key-retired", await RefusalOf(() => client.MeAsync(default)));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => open.WaitAsync(TimeSpan.FromMinutes(2)));
    }

    private static async Task OpenCallAsync(RunningCoordinator coordinator, SiteIdentity site, byte[] body, OpenBody content)
    {
        using var handler = new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true }, Expect100ContinueTimeout = TimeSpan.FromMinutes(2) };
        using var http = new HttpClient(handler) { BaseAddress = coordinator.Address };
        using var hello = CoordinatorHttp.Connect(new() { Address = coordinator.Address, Authority = coordinator.Code.Authority }, TimeProvider.System);
        var epoch = (await new IdentityClient(hello).HelloAsync(default)).Epoch;
        var signature = new Transport.Signing.RequestSignature(site.Fingerprint.Plain, DateTimeOffset.UtcNow, epoch, 1);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/bandwidth") { Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.ExpectContinue = true;
        request.Headers.TryAddWithoutValidation("Content-Digest", Transport.Signing.RequestSignature.DigestValue(SHA256.HashData(body)));
        request.Headers.TryAddWithoutValidation("Signature-Input", signature.Input);
        request.Headers.TryAddWithoutValidation("Signature", signature.Sign("POST", "/v1/bandwidth", SHA256.HashData(body), site.Key));
        using var response = await http.SendAsync(request);
    }

    [Fact]
    public async Task A_certificate_of_another_federation_is_named()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        await using var other = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var stranger = await other.JoinAsync("berlin");

        using var http = coordinator.Connect(site, "berlin", certificate: stranger.Certificate);
        Assert.Equal("certificate-foreign", await RefusalOf(() => new IdentityClient(http).MeAsync(default)));

        using var third = await coordinator.JoinAsync("paris");
        using var mixed = coordinator.Connect(site, "berlin", certificate: third.Certificate);
        Assert.Equal("certificate-of-another", await RefusalOf(() => new IdentityClient(mixed).MeAsync(default)));
    }

    [Theory]
    [InlineData(61)]
    [InlineData(-61)]
    public async Task A_clock_an_hour_off_is_named_with_both_times(int minutes)
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var http = coordinator.Connect(site, "berlin", new SkewedTime(TimeSpan.FromMinutes(minutes)), withCertificate: false);

        var refusal = (await Assert.ThrowsAsync<WireException>(() => new IdentityClient(http).MeAsync(default))).Told;
        Assert.Equal("clock-skew", refusal.Code);
        Assert.Contains(minutes > 0 ? "+01:0" : "-01:0", refusal.Found.En, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_renews_in_its_second_half_and_an_expired_one_is_refused()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var coordinator = await RunningCoordinator.StartAsync(clock);
        using var site = await coordinator.JoinAsync("berlin");
        using var http = coordinator.Connect(site, "berlin");
        var client = new IdentityClient(http);
        var first = (await client.MeAsync(default)).CertificateEnds!.Value;

        clock.Advance(TimeSpan.FromDays(50));
        var renewed = await client.RenewAsync(default);
        Assert.True(site.Take(Convert.FromBase64String(renewed.Certificate!), clock.GetUtcNow()));
        Assert.InRange((await client.MeAsync(default)).CertificateEnds!.Value - first, TimeSpan.FromDays(49.9), TimeSpan.FromDays(50.1));

        clock.Advance(TimeSpan.FromDays(91));
        using var late = coordinator.Connect(site, "berlin", withCertificate: false);
        Assert.Equal("certificate-expired", await RefusalOf(() => new IdentityClient(late).MeAsync(default)));
        Assert.Equal("certificate-expired", await RefusalOf(() => new IdentityClient(late).RenewAsync(default)));
    }

    [Fact]
    public async Task Asking_needs_the_present_join_code_a_name_and_a_sound_request()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = coordinator.Site("berlin");
        using var http = coordinator.Connect(token: null);
        var client = new IdentityClient(http);
        var good = coordinator.Request(site, "berlin");

        Assert.Equal("join-code-old", await RefusalOf(() => client.EnrolAsync(good with { Secret = "00000000000000000000" }, default)));
        Assert.Equal("join-code-old", await RefusalOf(() => client.EnrolAsync(good with { Secret = null }, default)));
        foreach (var name in new[] { null, "", "../x", "a b", "a\n", new string('a', 65) })
            Assert.Equal("name-wrong", await RefusalOf(() => client.EnrolAsync(good with { Name = name }, default)));
        var damaged = Convert.FromBase64String(good.Request!);
        damaged[^1] ^= 1; // its signature
        foreach (var request in new[] { null, "", "!", "AAAA", Convert.ToBase64String(damaged) })
            Assert.Equal("request-wrong", await RefusalOf(() => client.EnrolAsync(good with { Request = request }, default)));
        using var rsa = RSA.Create(2048);
        var foreign = new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        Assert.Equal("request-wrong", await RefusalOf(() => client.EnrolAsync(good with { Request = Convert.ToBase64String(foreign) }, default)));
        Assert.Empty(coordinator.Registry.Enrolments);

        coordinator.Registry.JoinSecret(renew: true);
        Assert.Equal("join-code-old", await RefusalOf(() => client.EnrolAsync(good, default)));
    }

    [Fact]
    public async Task A_call_that_was_changed_or_repeated_has_no_effect()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var handler = new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        using var http = new HttpClient(handler) { BaseAddress = coordinator.Address };
        using var hello = coordinator.Connect(token: null);
        var epoch = (await new IdentityClient(hello).HelloAsync(default)).Epoch;
        var sequence = 0L;

        async Task<string> Send(string signedBody, string sentBody, string signedPath, string sentPath, long? number = null, string? inEpoch = null, double secondsAgo = 0)
        {
            var digest = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(signedBody));
            var signature = new Transport.Signing.RequestSignature(site.Fingerprint.Plain, DateTimeOffset.UtcNow.AddSeconds(-secondsAgo), inEpoch ?? epoch, number ?? ++sequence);
            using var request = new HttpRequestMessage(HttpMethod.Post, sentPath) { Content = new StringContent(sentBody) };
            request.Headers.TryAddWithoutValidation("Content-Digest", Transport.Signing.RequestSignature.DigestValue(digest));
            request.Headers.TryAddWithoutValidation("Signature-Input", signature.Input);
            request.Headers.TryAddWithoutValidation("Signature", signature.Sign("POST", signedPath, digest, site.Key));
            using var response = await http.SendAsync(request);
            try
            {
                await IdentityClient.ThrowIfRefusedAsync(response, default);
                return "accepted";
            }
            catch (WireException e)
            {
                return e.Told.Code;
            }
        }

        Assert.Equal("accepted", await Send("a", "a", "/v1/bandwidth", "/v1/bandwidth"));
        Assert.Equal("replayed", await Send("a", "a", "/v1/bandwidth", "/v1/bandwidth", number: 1));
        Assert.Equal("body-changed", await Send("a", "b", "/v1/bandwidth", "/v1/bandwidth"));
        Assert.Equal("body-changed", await Send("ab", "a", "/v1/bandwidth", "/v1/bandwidth"));
        Assert.Equal("signature-wrong", await Send("a", "a", "/v1/me/certificate", "/v1/bandwidth"));
        Assert.Equal("signature-wrong", await Send("a", "a", "/v1/bandwidth", "/v1/bandwidth?x=1"));
        Assert.Equal("other-epoch", await Send("a", "a", "/v1/bandwidth", "/v1/bandwidth", inEpoch: "before"));
        Assert.Equal("clock-skew", await Send("a", "a", "/v1/bandwidth", "/v1/bandwidth", secondsAgo: 400));

        // The answer arrives every time, although the body was not read.
        var large = new string('a', 100_000);
        for (var i = 0; i < 50; i++) Assert.Equal("call-too-large", await Send(large, large, "/v1/me/certificate", "/v1/me/certificate"));
    }

    [Fact]
    public async Task Many_calls_at_once_over_one_connection_are_each_accepted()
    {
        await using var coordinator = await RunningCoordinator.StartAsync();
        using var site = await coordinator.JoinAsync("berlin");
        using var http = coordinator.Connect(site, "berlin");
        var client = new IdentityClient(http);

        // They overtake one another on the way.
        var names = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => client.MeAsync(default)));
        Assert.All(names, me => Assert.Equal("berlin", me.Name));
    }

    [Fact]
    public async Task Too_many_calls_from_one_address_are_told_to_wait()
    {
        await using var coordinator = await RunningCoordinator.StartAsync(rate: 2);
        using var http = coordinator.Connect(token: null);
        var client = new IdentityClient(http);
        var refused = 0;
        for (var i = 0; i < 30; i++)
        {
            try
            {
                await client.HelloAsync(default);
            }
            catch (WireException e) when (e.Told.Code == "too-many-calls")
            {
                refused++;
            }
        }
        Assert.InRange(refused, 15, 29);
    }

    private static async Task<int> ReceiveAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var socket = await listener.AcceptTcpClientAsync();
        await using var tls = new SslStream(socket.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });
            return await tls.ReadAsync(new byte[1000]);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            return 0;
        }
    }

    /// <summary>A body of one byte that does not come.</summary>
    private sealed class OpenBody : HttpContent
    {
        private readonly TaskCompletionSource _started = new();

        public Task Started => _started.Task;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken);
            _started.SetResult();
            // The end of the call is told by its answer, not by which of the two was faster.
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 1;
            return true;
        }
    }
}
