"""A service that dubs films for others: page and API in one server, jobs in a database, workers in processes of their own.

A film's way, from hand-in to download:

1. ``api/uploading.py``, ``api/resumable.py`` or ``page/start.py`` take it in, and ``films/`` checks it while it comes.
2. ``Service.submit`` (``service.py``) has it looked into and put into the storage (``films/intake.py``), and adds its job
   (``jobs/jobs.py``).
3. A worker (``workers/worker.py``) claims the job (``jobs/claims.py``) and does it (``workers/execute.py``), while its heart
   (``workers/heart.py``) keeps the claim, tells how far it is, and hears of a cancellation.
4. ``workers/outputs.py`` puts the dub's files into the storage, and ``Claims.finish`` notes them with the job.
5. ``Service.files`` and ``Service.link`` give links to them, which lead to ``api/files.py`` or to the bucket itself.

``workers/supervisor.py`` starts the workers, gives the jobs of dead ones to others, and sweeps up what is too old.
"""
