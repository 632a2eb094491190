// Asks of the server, and its answers: each ask has a number, and its answer comes with the same.

const PATIENCE = 60000; // milliseconds that an answer may take

const newAsking = (trigger) => {
  const waiting = new Map();
  let last = Promise.resolve();
  let n = 0;
  const send = (fields) =>
    new Promise((resolve, reject) => {
      const number = ++n;
      const late = () => waiting.delete(number) && reject(new Error("The server does not answer. Your changes are kept here."));
      waiting.set(number, { resolve, reject, timer: setTimeout(late, PATIENCE) });
      trigger("ask", { n: number, ...fields });
    });
  return {
    // One question at a time: an answer that comes with the next one at once could be missed.
    ask(fields) {
      const answer = last.then(() => send(fields));
      last = answer.catch(() => {});
      return answer;
    },
    answered(reply) {
      const asked = waiting.get(reply.n);
      if (!asked) return;
      waiting.delete(reply.n);
      clearTimeout(asked.timer);
      if (reply.error) asked.reject(Object.assign(new Error(reply.error), { isConflict: reply.conflict }));
      else asked.resolve(reply);
    },
  };
};
