import { init } from "echarts";

export interface PlotRow {
  readonly label: string;
  readonly median: number;
  readonly q25: number;
  readonly q75: number;
}

export interface IntervalPlot {
  readonly title: string;
  /** What the axis counts. */
  readonly axis: string;
  /** Where the line stands that rows are compared with. */
  readonly reference: number;
  readonly rows: readonly PlotRow[];
}

const WIDTH = 860;
const ROW_HEIGHT = 24;
const FRAME = { top: 56, bottom: 52, left: 250, right: 70 };

/** Both are told from white and from near black: the file is one for light pages and dark ones. */
const INK = "#777d86";
const LINE = "#77808c55";
const MARK = "#2f81f7";

/**
 * Medians as dots on a logarithmic axis, quartiles as a line through them, as SVG.
 *
 * Rendered without a document: no browser takes part.
 */
export function intervalPlot({ title, axis, reference, rows }: IntervalPlot): string {
  const chart = init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: FRAME.top + FRAME.bottom + rows.length * ROW_HEIGHT,
  });
  const text = { color: INK, fontSize: 12 };
  // From the bottom up, as the axis counts.
  const upward = rows.toReversed();
  chart.setOption({
    animation: false,
    title: { text: title, left: 12, top: 10, textStyle: { ...text, fontSize: 15 } },
    grid: FRAME,
    xAxis: {
      type: "log",
      logBase: 2,
      name: axis,
      nameLocation: "middle",
      nameGap: 30,
      nameTextStyle: text,
      axisLabel: text,
      splitLine: { lineStyle: { color: LINE } },
      ...boundsOf(rows, reference),
    },
    yAxis: {
      type: "category",
      data: upward.map(({ label }) => label),
      axisLabel: text,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: LINE } },
    },
    series: [
      ...upward.map((row, index) => ({
        type: "line",
        symbol: "none",
        lineStyle: { color: MARK, width: 5, opacity: 0.45 },
        data: [
          [row.q25, index],
          [row.q75, index],
        ],
      })),
      {
        type: "scatter",
        symbolSize: 9,
        itemStyle: { color: MARK, opacity: 1 },
        data: upward.map(({ median }, index) => [median, index]),
        label: { show: true, position: "top", distance: 2, formatter: labelOf, ...text },
        markLine: {
          silent: true,
          symbol: "none",
          label: { show: false },
          lineStyle: { color: INK, type: "dashed" },
          data: [{ xAxis: reference }],
        },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function labelOf({ value }: { value: unknown }): string {
  const [median] = Array.isArray(value) ? value : [];
  return typeof median === "number" ? String(Number(median.toPrecision(3))) : "";
}

/** Whole powers of two around everything that is shown, so that a lone row has an axis too. */
function boundsOf(rows: readonly PlotRow[], reference: number): { min: number; max: number } {
  const all = [reference, ...rows.flatMap(({ q25, q75 }) => [q25, q75])].filter((x) => x > 0);
  const low = Math.floor(Math.log2(Math.min(...all)));
  const high = Math.ceil(Math.log2(Math.max(...all)));
  return { min: 2 ** (low - 1), max: 2 ** (high + 1) };
}
