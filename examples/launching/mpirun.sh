#!/bin/sh
# On the cores of one machine; with --hostfile FILE on those of many.
npx preresnet build --mpi
mpirun -n 4 npx preresnet doctor --distributed
mpirun -n 4 npx preresnet train --model preresnet-110 --data cifar10:data/cifar10 --steps 64000 --batch 256 --output runs/first --resume
