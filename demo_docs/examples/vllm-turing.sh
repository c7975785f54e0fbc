vllm serve hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 \
  --served-model-name llama --host 127.0.0.1 --port 8000 \
  --dtype float16 --max-model-len 8192 \
  --gpu-memory-utilization 0.80 --enforce-eager
