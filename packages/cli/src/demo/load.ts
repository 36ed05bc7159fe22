import { request, type ClientRequest } from "node:http";
import { text } from "node:stream/consumers";

import { type Day, type DayRequest, requestsOf } from "./day.ts";
import { answerFrom, type Answer } from "./messages.ts";

/** Longer than any limit of an ORM or of the policy; a request without an answer by then failed. */
const ANSWER_TIMEOUT_MS = 15_000;

/** One request whose headers are sent and whose body is not. */
interface Opened {
  readonly asked: DayRequest;
  /** Sends the body and waits for the answer. */
  finish(): Promise<Answer>;
}

/**
 * Sends a day to the service on that port. All requests are open before the first body is sent, so
 * that they are concurrent; the bodies then arrive in the order that {@link Day} describes.
 */
export async function sendDay(day: Day, port: number): Promise<readonly Answer[]> {
  const opened = await Promise.all(requestsOf(day).map((asked) => open(asked, port)));
  const finish = (asked: DayRequest): Promise<Answer> => {
    const found = opened.find((candidate) => candidate.asked === asked);
    return found === undefined
      ? Promise.reject(new Error(`${asked.label} was not opened.`))
      : found.finish();
  };

  const answers = await Promise.all(day.crowd.map(finish));
  answers.push(await finish(day.begin));
  for (const straggler of day.stragglers) answers.push(await finish(straggler));

  return answers;
}

async function open(asked: DayRequest, port: number): Promise<Opened> {
  const sent = request({
    host: "127.0.0.1",
    port,
    method: "POST",
    path: "/bookings",
    agent: false,
  });
  const answered = answerOf(sent);
  // Whoever finishes the request hears of its failure; until then it must not be unhandled.
  answered.catch(() => {});
  sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy(new Error("no answer in time")));
  sent.flushHeaders();
  await connected(sent);

  return {
    asked,
    finish() {
      sent.end(JSON.stringify(asked));
      return answered.catch((error: unknown) => unanswered(error));
    },
  };
}

function answerOf(sent: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.once("error", reject);
    sent.once("response", (response) => {
      text(response).then((body) => resolve(answerFrom(body)), reject);
    });
  });
}

function connected(sent: ClientRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    sent.once("error", reject);
    sent.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => resolve());
      else resolve();
    });
  });
}

/** Nothing was acknowledged to a caller that never heard back. */
function unanswered(error: unknown): Answer {
  return {
    acknowledged: [],
    leftOpen: [],
    error: error instanceof Error ? error.message : "no answer",
  };
}
