import type { Meter, MeterProvider, Tracer, TracerProvider } from '@opentelemetry/api'

const scope = 'doublehull'

/**
 * The OpenTelemetry SDK of the process, looked for at each call: an application may register one at any time, and a
 * test may take it away. Looking costs some 20 nanoseconds; `undefined` says that there is nobody to tell anything.
 */
export class RegisteredSdk {
  readonly #api: typeof import('@opentelemetry/api')
  readonly #noTracerProvider: TracerProvider
  #tracerProvider: TracerProvider
  #tracer: Tracer | undefined
  readonly #noMeter: Meter
  #meterProvider: MeterProvider | undefined
  #meter: Meter | undefined

  constructor(api: typeof import('@opentelemetry/api')) {
    this.#api = api
    this.#noTracerProvider = new api.ProxyTracerProvider().getDelegate()
    this.#tracerProvider = this.#noTracerProvider
    this.#noMeter = api.createNoopMeter()
  }

  tracer(): Tracer | undefined {
    const registered = this.#api.trace.getTracerProvider()
    // the SDK stands behind a proxy, and before there is one, a provider without effect does
    const provider =
      registered instanceof this.#api.ProxyTracerProvider ? registered.getDelegate() : registered
    if (provider !== this.#tracerProvider) {
      this.#tracerProvider = provider
      this.#tracer = provider === this.#noTracerProvider ? undefined : provider.getTracer(scope)
    }
    return this.#tracer
  }

  /** The same object for as long as the same SDK is registered. There is no proxy for metrics. */
  meter(): Meter | undefined {
    const provider = this.#api.metrics.getMeterProvider()
    if (provider !== this.#meterProvider) {
      this.#meterProvider = provider
      const meter = provider.getMeter(scope)
      this.#meter = meter === this.#noMeter ? undefined : meter
    }
    return this.#meter
  }
}
