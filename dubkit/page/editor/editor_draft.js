// Changes that are not saved yet. They are kept in the browser too, so that a closed page or a lost line costs nothing.

// `onchange` is told which line or speaker changed, or nothing where many may have.
const newDraft = (onchange) => {
  let key = null;
  let lines = {}; // by line: changed fields, or null for a line that is left out
  let speakers = {}; // by speaker: changed fields

  const keep = () => {
    const nothing = !Object.keys(lines).length && !Object.keys(speakers).length;
    try {
      if (nothing) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify({ lines, speakers }));
    } catch {
      // A browser that keeps nothing: the page still asks before it is left.
    }
  };
  // A field that is null takes a correction back.
  const now = (rows, row, field) => (rows[row.id]?.[field] === undefined ? row[field] : rows[row.id][field]);
  const put = (rows, row, field, value) => {
    const fields = { ...rows[row.id], [field]: value };
    if (value === row[field] || value === undefined) delete fields[field];
    if (Object.keys(fields).length) rows[row.id] = fields;
    else delete rows[row.id];
    keep();
    onchange(row.id);
  };

  return {
    // Takes up what was left for a job; drops what its lines do not have any more. Tells whether there was anything.
    open(job, known) {
      key = `dubkit-changes-${job}`;
      lines = {};
      speakers = {};
      try {
        const kept = JSON.parse(localStorage.getItem(key) ?? "{}");
        for (const [id, fields] of Object.entries(kept.lines ?? {})) if (known.lines.has(id)) lines[id] = fields;
        for (const [id, fields] of Object.entries(kept.speakers ?? {})) if (known.speakers.has(id)) speakers[id] = fields;
      } catch {
        // Something else wrote there.
      }
      return this.count > 0;
    },
    setLine: (line, field, value) => put(lines, line, field, value),
    setSpeaker: (speaker, field, value) => put(speakers, speaker, field, value),
    leaveOut(line) {
      lines[line.id] = null;
      keep();
      onchange(line.id);
    },
    undo(id) {
      delete lines[id];
      delete speakers[id];
      keep();
      onchange(id);
    },
    clear() {
      lines = {};
      speakers = {};
      keep();
      onchange();
    },
    // What was sent is saved; what was typed since then stays.
    saved(sent) {
      for (const [rows, before] of [[lines, sent.lines], [speakers, sent.speakers]]) {
        for (const [id, fields] of Object.entries(before)) {
          if (JSON.stringify(rows[id]) === JSON.stringify(fields)) delete rows[id];
        }
      }
      keep();
      onchange();
    },
    changes: () => structuredClone({ lines, speakers }),
    line: (row, field) => now(lines, row, field),
    speaker: (row, field) => now(speakers, row, field),
    has: (id) => id in lines || id in speakers,
    isOut: (id) => lines[id] === null,
    isChanged: (id, field) => (lines[id] ?? speakers[id])?.[field] !== undefined,
    get lines() {
      return Object.keys(lines);
    },
    get speakers() {
      return speakers;
    },
    get count() {
      return Object.keys(lines).length + Object.keys(speakers).length;
    },
  };
};
