// A small shop that breaks in the way that its address asks for: `/?situation=…&dsn=…`.

import * as Sentry from "@sentry/browser";

const asked = new URLSearchParams(location.search);

const more = {
  enableLogs: true,
  integrations: [Sentry.browserTracingIntegration(), Sentry.replayIntegration({ minReplayDuration: 0 })],
  replaysSessionSampleRate: 1,
  tracesSampleRate: 1,
};
Sentry.init({
  dsn: asked.get("dsn"),
  release: "shop@1.4.2",
  environment: "staging",
  ...(asked.get("situation") === "traced" ? more : {}),
});

const later = () => new Promise((resolve) => setTimeout(resolve, 20));

function pay(cart) {
  return cart.lines.length;
}

function checkout(customer) {
  return pay({ customer });
}

const situations = {
  plain() {
    Sentry.setUser({ id: 7, email: "ada@example.com" });
    Sentry.setTag("shop", "eu-1");
    try {
      checkout("ada"); // as asked by plain
    } catch (error) {
      Sentry.captureException(error);
    }
  },
  unhandled() {
    console.info("paying");
    setTimeout(() => checkout("ada"));
    return later();
  },
  rejection() {
    later().then(() => checkout("ada"));
    return later().then(later);
  },
  rejection_with_object() {
    Promise.reject({ code: 42 });
    return later();
  },
  message() {
    Sentry.captureMessage("The nightly import took longer than usual.", "warning");
  },
  thrown_text() {
    setTimeout(() => {
      throw "Payment: refused";
    });
    return later();
  },
  async traced() {
    for (const act of [situations.plain, situations.message]) {
      Sentry.logger.info("about to act");
      Sentry.startSpan({ name: "/checkout", op: "task" }, act);
      await Sentry.getReplay().flush();
      await Sentry.flush(20_000);
    }
  },
  attachment() {
    Sentry.getCurrentScope().addAttachment({ filename: "receipt.bin", data: new Uint8Array([10, 0, 255, 10]) });
    situations.plain();
  },
  feedback() {
    Sentry.captureFeedback({ message: "The button does nothing.", email: "ada@example.com" });
  },
};

await situations[asked.get("situation")]();
await Sentry.flush(20_000);
window.isDone = true;
