using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Comity.Serving.Hosting;

/// <summary>Kestrel and one handler of requests, without the web host around it.</summary>
/// <remarks>
/// A host brings configuration from files and the environment, logging, diagnostics and a pipeline, none of which is wanted here: a log could tell
/// what stood in a record. Leaving it out halves the start and saves a few microseconds of each request. Kestrel itself is the platform's, whole.
/// </remarks>
internal sealed class KestrelHost : IHttpApplication<DefaultHttpContext>, IAsyncDisposable
{
    private readonly Func<HttpContext, Task> _handle;
    private readonly ServiceProvider _services;
    private readonly IServer _server;

    public KestrelHost(Action<KestrelServerOptions> configure, Func<HttpContext, Task> handle)
    {
        _handle = handle;
        var services = new KestrelServices();
        services.UseKestrelCore().UseSockets(Configure).ConfigureKestrel(configure);
        _services = services.Collection.AddSingleton<IMemoryPoolFactory<byte>, ReceiveBlocks>().AddOptions().AddLogging().AddMetrics().AddSingleton<DiagnosticSource>(_ => new DiagnosticListener("Comity.Serving")).BuildServiceProvider();
        _server = _services.GetRequiredService<IServer>();
    }

    /// <summary>Where it listens, once it has been started.</summary>
    public Uri Address => new(_server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());

    public Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(this, cancellationToken);

    /// <summary>Takes no further connection, and completes when the requests that were begun are answered.</summary>
    /// <param name="cancellationToken">Ends the waiting: what is not answered by then is cut off.</param>
    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    // A request is answered where its last bytes were received, so a small one costs no further hand-over; what takes long leaves such a thread (SocketThread). A connection
    // holds one block while it waits, which saves asking the system whether there is something to receive before it is received.
    private static void Configure(SocketTransportOptions sockets) => (sockets.UnsafePreferInlineScheduling, sockets.WaitForDataBeforeAllocatingBuffer) = (true, false);

    DefaultHttpContext IHttpApplication<DefaultHttpContext>.CreateContext(IFeatureCollection contextFeatures)
    {
        // The requests of a connection come one after another and share one context, as they do in the platform's own host.
        if (contextFeatures is not IHostContextContainer<DefaultHttpContext> connection) return new DefaultHttpContext(contextFeatures);
        if (connection.HostContext is not { } context) return connection.HostContext = new DefaultHttpContext(contextFeatures);
        context.Initialize(contextFeatures);
        return context;
    }

    Task IHttpApplication<DefaultHttpContext>.ProcessRequestAsync(DefaultHttpContext context) => _handle(context);

    void IHttpApplication<DefaultHttpContext>.DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();

    /// <summary>Takes the services that Kestrel registers; there is no host to build.</summary>
    private sealed class KestrelServices : IWebHostBuilder
    {
        private readonly WebHostBuilderContext _context = new() { Configuration = new ConfigurationManager() };

        public ServiceCollection Collection { get; } = [];

        public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
        {
            configureServices(Collection);
            return this;
        }

        public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices)
        {
            configureServices(_context, Collection);
            return this;
        }

        public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => this;

        public string? GetSetting(string key) => null;

        public IWebHostBuilder UseSetting(string key, string? value) => this;

#pragma warning disable ASPDEPR008 // the interface still names the old host, which is never made here
        public IWebHost Build() => throw new NotSupportedException("There is no host around this server.");
#pragma warning restore ASPDEPR008
    }
}
