"""What `bench.rollout` needs: three releases of a workflow, and people who edit it at random."""
