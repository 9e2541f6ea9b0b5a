using System.Globalization;
using Comity.Coordinator;

// Files and numbers are culture-invariant; texts for people take the language chosen.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

return await CoordinatorCommandLine.RunAsync(args, Environment.GetEnvironmentVariable, Console.Out, Console.Error, TimeProvider.System, CancellationToken.None);
