// A small shop that breaks in one way per run: `node shop.mjs SITUATION DSN`.

import * as Sentry from "@sentry/node";

const [situation, dsn] = process.argv.slice(2);

const more = situation === "traced" ? { tracesSampleRate: 1, enableLogs: true } : {};
Sentry.init({ dsn, release: "shop@1.4.2", environment: "staging", ...more });

const later = () => new Promise((resolve) => setTimeout(resolve, 5));

function pay(cart) {
  return cart.lines.length;
}

function checkout(customer) {
  return pay({ customer });
}

async function settle() {
  await later();
  return checkout("ada");
}

async function nightly() {
  await settle();
}

function load(id) {
  try {
    JSON.parse("{");
  } catch (error) {
    throw new Error(`Cart ${id} cannot be read`, { cause: error });
  }
}

class OutOfStock extends Error {
  name = "OutOfStock";
}

const situations = {
  plain() {
    Sentry.setUser({ id: 7, email: "ada@example.com" });
    Sentry.setTag("shop", "eu-1");
    Sentry.addBreadcrumb({ category: "cart", message: "opened cart 9" });
    try {
      checkout("ada"); // as asked by plain
    } catch (error) {
      Sentry.captureException(error);
    }
  },
  async asynchronous() {
    await nightly().catch(Sentry.captureException);
  },
  caused() {
    try {
      load(9);
    } catch (error) {
      Sentry.captureException(error);
    }
  },
  own_class() {
    Sentry.captureException(new OutOfStock("no more tea"));
  },
  aggregate() {
    Sentry.captureException(new AggregateError([new TypeError("one"), new RangeError("two")], "both failed"));
  },
  message() {
    Sentry.captureMessage("The nightly import took longer than usual.", "warning");
  },
  large_message() {
    Sentry.captureMessage("x".repeat(100_000));
  },
  thrown_text() {
    try {
      throw "Payment: refused";
    } catch (error) {
      Sentry.captureException(error);
    }
  },
  thrown_object() {
    try {
      throw { code: 42, reason: "no stock" };
    } catch (error) {
      Sentry.captureException(error);
    }
  },
  thrown_nothing() {
    Sentry.captureException(undefined);
  },
  rejection() {
    nightly();
    return later().then(later);
  },
  rejection_with_text() {
    Promise.reject("Payment: refused");
    return later();
  },
  unhandled() {
    setTimeout(() => checkout("ada"));
    return later();
  },
  async traced() {
    for (const act of [situations.plain, situations.message]) {
      Sentry.logger.info("about to act");
      Sentry.startSpan({ name: "/checkout", op: "task" }, act);
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
  check_in() {
    const schedule = { type: "crontab", value: "0 3 * * *" };
    Sentry.withMonitor("nightly-import", () => "done", { schedule });
  },
  filtered_by_the_client() {
    Sentry.addEventProcessor((event) => (event.message ? null : event));
    situations.message();
    situations.plain();
  },
};

await situations[situation]();
await Sentry.flush(20_000);
