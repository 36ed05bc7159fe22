import ora from "ora";

/** Says on standard error what is going on; standard output belongs to the result. */
export interface Progress {
  say(text: string): void;
  /** Takes the spinner away; nothing is printed after it. */
  end(): void;
}

/** A spinner on a terminal, one plain line a step elsewhere. */
export function startProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) {
    let last = "";
    return {
      say(text) {
        if (text !== last) stream.write(`${text}\n`);
        last = text;
      },
      end() {},
    };
  }
  // Raw mode would swallow the Ctrl-C that stops the servers.
  const spinner = ora({ stream, discardStdin: false });

  return {
    say(text) {
      if (spinner.isSpinning) spinner.text = text;
      else spinner.start(text);
    },
    end() {
      spinner.stop();
    },
  };
}
