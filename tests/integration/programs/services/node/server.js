const http = require("node:http");
const ms = require("ms");

http
  .createServer((request, response) => {
    const where = `${process.platform}/${process.arch}`;
    response.end(`hello from Node on ${where}, ${ms("2 days")} ms\n`);
  })
  .listen(3000);
