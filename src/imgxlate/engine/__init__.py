"""What drives the methods: batches of files, devices, models and their loading, inference."""
