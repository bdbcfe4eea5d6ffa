#!/usr/bin/env bash
#SBATCH --job-name=pluralign-encode
#SBATCH --array=1-512
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=02:00:00
#SBATCH --requeue
# Encode the texts of a run on 512 tasks: sbatch recipes/scaling/slurm.sh pairs.toml /shared/vectors
# Then, on one machine that sees /shared: pluralign encode --collect /shared/vectors
set -euo pipefail
texts=$1 folder=$2
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-4}
pluralign encode "$texts" --out "$folder" \
  --shard "${SLURM_ARRAY_TASK_ID}/${SLURM_ARRAY_TASK_COUNT:-512}"
