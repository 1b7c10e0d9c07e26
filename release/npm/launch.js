// Starts the executable of this system under one of its names, and ends as it ends.
"use strict";
const { spawn } = require("child_process");

module.exports = function launch(name) {
  const system = `${process.platform}-${process.arch}`;
  const suffix = process.platform === "win32" ? ".exe" : "";
  let program;
  try {
    program = require.resolve(`scalekit-auth-${system}/bin/scalekit-auth${suffix}`);
  } catch {
    console.error(`scalekit-auth: npm's package scalekit-auth-${system} is not installed.`);
    console.error("  Either there is none for this system, or npm left out an optional dependency; then install again:");
    console.error("  npm install --global --include=optional scalekit-auth");
    process.exit(1);
  }
  // The program tells by the name that it is called by which protocol is spoken.
  const child = spawn(program, process.argv.slice(2), { argv0: name, stdio: "inherit", windowsHide: true });
  // Ctrl-C reaches both from the terminal, and it is the program that decides what to do with it.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`scalekit-auth: ${program} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
};
