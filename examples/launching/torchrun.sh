#!/bin/sh
# One process, which torchrun starts again after a failure. Several of them do not find each other between CPUs: torchrun gives them no MPI.
torchrun --standalone --nproc-per-node=1 --max-restarts=3 --no-python npx preresnet train --model preresnet-110 --data cifar10:data/cifar10 --steps 64000 --output runs/first --resume
